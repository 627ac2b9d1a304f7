#include "kestrel/sys/sysctl.h"

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

Result<std::string> sysctl_path(std::string_view name) {
  std::string path(name);
  const auto separator = path.find_first_of("./");
  if (separator != std::string::npos && path[separator] == '.') {
    for (char& c : path) {
      if (c == '.' || c == '/') c = c == '.' ? '/' : '.';
    }
  }
  const auto parts = split(path, '/');
  const bool is_plain = std::none_of(parts.begin(), parts.end(), [](std::string_view part) {
    return part.empty() || part == "." || part == "..";
  });
  if (!is_plain) return Error{concat("cannot set sysctl ", name, ": not the name of one"), EINVAL};
  return path;
}

Result<void> set_sysctl(const std::string& proc_sys, std::string_view name, std::string_view value) {
  const auto path = sysctl_path(name);
  if (!path) return path.error();
  const auto written = write_file(concat(proc_sys, '/', *path), value);
  if (written) return {};
  if (written.error().code == ENOENT) {
    return Error{concat("cannot set sysctl ", name, ": this kernel has none of that name"), ENOENT};
  }
  return errno_error(concat("cannot set sysctl ", name, " to ", value), written.error().code);
}

}  // namespace kestrel::sys
