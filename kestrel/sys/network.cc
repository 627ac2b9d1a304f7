#include "kestrel/sys/network.h"

#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

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

}  // namespace kestrel::sys
