#include "kestrel/sys/hostname.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// What a kernel calls a machine without a name.
constexpr std::string_view no_hostname = "(none)";

}  // namespace

Result<void> set_hostname(const std::string& name) {
  if (::sethostname(name.data(), name.size()) == 0) return {};
  return errno_error(concat("cannot set the hostname to ", name), errno);
}

std::string hostname() {
  utsname names{};
  return ::uname(&names) != 0 || names.nodename == no_hostname ? "" : names.nodename;
}

}  // namespace kestrel::sys
