// A VM's network card on a bridge: a port, and an address that nobody else has.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hostd/net/address_lease.h"
#include "hostd/vm_network.h"
#include "kestrel/base/ip_address.h"
#include "kestrel/base/mac_address.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

struct VmCard {
  sys::UniqueFd tap;
  AddressLease lease;
  IpNetwork host;                       ///< the bridge's own address: the guest's gateway
  std::vector<IpAddress> name_servers;  ///< the host's, but for those that only it can reach

  [[nodiscard]] IpNetwork address() const { return {lease.address, host.prefix}; }
};

/// `network` is a bridge's. What is known of its addresses is kept in the state folder.
[[nodiscard]] Result<VmCard> open_card(const NetworkSpec& network, const std::string& vm);

/// Made of the VM's address, so that it differs where that does, and is the same when the VM comes back.
[[nodiscard]] MacAddress mac_for(const IpAddress& address);

/// The servers that an /etc/resolv.conf names, without those on the host's own loopback.
[[nodiscard]] std::vector<IpAddress> read_name_servers(std::string_view resolv_conf);

}  // namespace kestrel::hostd
