#include "kestrel/sys/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

Result<void> bring_up_interface(const std::string& name) {
  const std::string what = concat("cannot bring up interface ", name);
  ifreq request{};
  if (name.empty() || name.size() >= sizeof request.ifr_name) return errno_error(what, ENODEV);
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_error(what, errno);
  if (::ioctl(socket.get(), SIOCGIFFLAGS, &request) < 0) return errno_error(what, errno);
  if ((request.ifr_flags & IFF_UP) != 0) return {};
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  if (::ioctl(socket.get(), SIOCSIFFLAGS, &request) < 0) return errno_error(what, errno);
  return {};
}

Result<void> write_name_servers(const std::string& file, std::span<const IpAddress> servers) {
  std::string text;
  for (const IpAddress& server : servers) text.append(concat("nameserver ", format(server), '\n'));
  const std::string fresh = concat(file, ".kestrel");
  const UniqueFd made(::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  if (!made.is_open()) return errno_error(concat("cannot create ", fresh), errno);
  if (auto written = write_file(fresh, text); !written) return written.error();
  if (std::rename(fresh.c_str(), file.c_str()) == 0) return {};
  return errno_error(concat("cannot replace ", file), errno);
}

}  // namespace kestrel::sys
