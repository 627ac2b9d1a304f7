#include "hostd/net/vm_card.h"

#include "hostd/net/bridge_port.h"
#include "hostd/state_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

Result<VmCard> open_card(const NetworkSpec& network, const std::string& vm) {
  const auto host = bridge_network(network.bridge);
  if (!host) return host.error();
  auto tap = open_bridge_port(network.bridge);
  if (!tap) return tap.error();
  auto lease = lease_address(concat(state_dir(), "/networks/", network.bridge), *host, vm);
  if (!lease) return lease.error();
  return VmCard{std::move(*tap), std::move(*lease), *host,
                read_name_servers(sys::read_file("/etc/resolv.conf").value_or(""))};
}

MacAddress mac_for(const IpAddress& address) {
  // The second bit of the first byte: an address that no maker of cards has given (IEEE 802).
  MacAddress mac{0x0a, 0x6b};
  for (std::size_t i = 0; i < 4; ++i) mac[2 + i] = address.bytes[i];
  return mac;
}

std::vector<IpAddress> read_name_servers(std::string_view resolv_conf) {
  constexpr std::string_view keyword = "nameserver";
  std::vector<IpAddress> servers;
  for (const std::string_view line : split(resolv_conf, '\n')) {
    const std::string_view trimmed = trim(line);
    if (!trimmed.starts_with(keyword)) continue;
    const auto server = parse_ip_address(trim(trimmed.substr(keyword.size())));
    if (server && !server->is_v6 && server->bytes[0] != 127) servers.push_back(*server);
  }
  return servers;
}

}  // namespace kestrel::hostd
