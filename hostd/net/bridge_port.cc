#include "hostd/net/bridge_port.h"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
// Behind net/if.h, whose types it has, too.
#include <linux/sockios.h>

#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"
#include "kestrel/sys/network.h"

namespace kestrel::hostd {

namespace {

/// The kernel puts a free number in the place of %d.
constexpr std::string_view tap_names = "kestrel%d";

void set_name(ifreq& request, std::string_view name) {
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
}

/// One of the questions of netdevice(7); the errno of its failure, else 0.
int ask(std::string_view interface, unsigned long question, ifreq& request) {
  set_name(request, interface);
  const sys::UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return socket.is_open() && ::ioctl(socket.get(), question, &request) == 0 ? 0 : errno;
}

IpAddress address_in(const sockaddr& socket_address) {
  sockaddr_in in{};
  std::memcpy(&in, &socket_address, sizeof in);
  IpAddress address;
  std::memcpy(address.bytes.data(), &in.sin_addr, 4);
  return address;
}

std::string remedy_for(const std::string& bridge, int error) {
  if (error == ENODEV) return concat("; make it: ip link add ", bridge, " type bridge");
  if (error == EADDRNOTAVAIL) return concat("; give it one: ip address add 10.77.0.1/24 dev ", bridge);
  if (error == EPERM) return "; run it as root, or with the capability CAP_NET_ADMIN";
  return "";
}

Error cannot(std::string_view what, const std::string& bridge, int error) {
  Error failure = errno_error(concat("cannot use bridge ", bridge, ": ", what), error);
  failure.message += remedy_for(bridge, error);
  failure.code = error;
  return failure;
}

struct Tap {
  sys::UniqueFd fd;
  std::string name;
};

Result<Tap> open_tap(const std::string& bridge) {
  constexpr const char* device = "/dev/net/tun";
  Tap tap{sys::UniqueFd(::open(device, O_RDWR | O_CLOEXEC | O_NONBLOCK)), ""};
  if (!tap.fd.is_open()) return cannot(concat("cannot open ", device), bridge, errno);
  ifreq request{};
  set_name(request, tap_names);
  // Frames as they are, each behind a head that lets the guest leave checksums and segmentation to the host.
  request.ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
  if (::ioctl(tap.fd.get(), TUNSETIFF, &request) != 0)
    return cannot("cannot make a tap device", bridge, errno);
  tap.name = request.ifr_name;
  return tap;
}

}  // namespace

Result<IpNetwork> bridge_network(const std::string& bridge) {
  ifreq address{};
  ifreq netmask{};
  int error = ask(bridge, SIOCGIFADDR, address);
  if (error == 0) error = ask(bridge, SIOCGIFNETMASK, netmask);
  if (error == EADDRNOTAVAIL) return cannot("it has no IPv4 address", bridge, error);
  if (error != 0) return cannot("there is no such interface", bridge, error);
  const auto prefix = prefix_of_netmask(address_in(netmask.ifr_netmask));
  if (!prefix) return cannot("its netmask is none", bridge, EINVAL);
  return IpNetwork{address_in(address.ifr_addr), *prefix};
}

Result<sys::UniqueFd> open_bridge_port(const std::string& bridge) {
  auto tap = open_tap(bridge);
  if (!tap) return tap.error();
  ifreq request{};
  request.ifr_ifindex = static_cast<int>(::if_nametoindex(tap->name.c_str()));
  if (const int error = ask(bridge, SIOCBRADDIF, request); error != 0) {
    return cannot(error == EOPNOTSUPP || error == EINVAL ? "it is no bridge" : "cannot attach to it", bridge,
                  error);
  }
  if (const auto up = sys::bring_up_interface(tap->name); !up) return up.error();
  return std::move(tap->fd);
}

}  // namespace kestrel::hostd
