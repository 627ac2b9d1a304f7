#include "kestrel/sys/network.h"

#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

using NameIndex = struct if_nameindex;  // which a function's name hides

/// One of the requests of netdevice(7) about an interface: `request.ifr_*` in and out.
Result<void> ask(const std::string& what, const std::string& name, unsigned long question, ifreq& request) {
  if (name.empty() || name.size() >= sizeof request.ifr_name) return errno_error(what, ENODEV);
  name.copy(request.ifr_name, sizeof request.ifr_name - 1);
  const UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_error(what, errno);
  if (::ioctl(socket.get(), question, &request) < 0) return errno_error(what, errno);
  return {};
}

}  // namespace

Result<void> bring_up_interface(const std::string& name) {
  const std::string what = concat("cannot bring up interface ", name);
  ifreq request{};
  if (auto asked = ask(what, name, SIOCGIFFLAGS, request); !asked) return asked;
  if ((request.ifr_flags & IFF_UP) != 0) return {};
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  return ask(what, name, SIOCSIFFLAGS, request);
}

Result<std::string> first_network_card(const std::string& sys) {
  const std::unique_ptr<NameIndex, void (*)(NameIndex*)> all(::if_nameindex(), ::if_freenameindex);
  if (!all) return errno_error("cannot list the network interfaces", errno);
  const NameIndex* first = nullptr;
  for (const NameIndex* one = all.get(); one->if_index != 0; ++one) {
    const std::string device = concat(sys, "/class/net/", one->if_name, "/device");
    const bool is_card = ::access(device.c_str(), F_OK) == 0 && mac_address(one->if_name);
    if (is_card && (!first || one->if_index < first->if_index)) first = one;
  }
  if (first) return std::string(first->if_name);
  return Error{"cannot find a network card: there is none", ENODEV};
}

Result<MacAddress> mac_address(const std::string& interface) {
  const std::string what = concat("cannot tell the address of interface ", interface);
  ifreq request{};
  if (auto asked = ask(what, interface, SIOCGIFHWADDR, request); !asked) return asked.error();
  if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return Error{what + ": it is no Ethernet", EPROTOTYPE};
  MacAddress mac;
  std::memcpy(mac.data(), request.ifr_hwaddr.sa_data, mac.size());
  return mac;
}

Result<void> set_mtu(const std::string& interface, std::uint16_t mtu) {
  ifreq request{};
  request.ifr_mtu = mtu;
  return ask(concat("cannot set the MTU of interface ", interface, " to ", mtu), interface, SIOCSIFMTU,
             request);
}

Result<void> write_name_servers(const std::string& file, std::span<const IpAddress> servers,
                                const std::string& domain) {
  std::string text = domain.empty() ? "" : concat("search ", domain, '\n');
  for (const IpAddress& server : servers) text.append(concat("nameserver ", format(server), '\n'));
  const std::string fresh = concat(file, ".kestrel");
  const UniqueFd made(::open(fresh.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644));
  if (!made.is_open()) return errno_error(concat("cannot create ", fresh), errno);
  if (auto written = write_file(fresh, text); !written) return written.error();
  if (std::rename(fresh.c_str(), file.c_str()) == 0) return {};
  return errno_error(concat("cannot replace ", file), errno);
}

}  // namespace kestrel::sys
