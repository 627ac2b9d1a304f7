#include "kestrel/dhcp/lease.h"

#include <algorithm>
#include <limits>

namespace kestrel::dhcp {

namespace {

constexpr std::uint32_t for_ever = std::numeric_limits<std::uint32_t>::max();  // RFC 2131, section 3.3
constexpr std::uint32_t shortest_lease = 10;
/// What every network has to carry (RFC 791); with less a wrong option would cut the machine off.
constexpr std::uint16_t smallest_mtu = 576;

bool is_for_a_machine(const IpAddress& address) {
  const std::uint8_t first = address.bytes[0];
  return first != 0 && first != 127 && first < 224;
}

std::optional<Lease::Times> times_of(std::uint32_t lease, const Reply& reply) {
  if (lease == for_ever) return std::nullopt;
  const Duration end = seconds(lease);
  Lease::Times times{end / 2, end * 7 / 8, end};
  const Duration renewal = reply.renewal_seconds ? seconds(*reply.renewal_seconds) : times.renewal;
  const Duration rebinding = reply.rebinding_seconds ? seconds(*reply.rebinding_seconds) : times.rebinding;
  const bool makes_sense = renewal > Duration() && renewal <= rebinding && rebinding <= end;
  if (makes_sense) times = {renewal, rebinding, end};
  return times;
}

}  // namespace

std::optional<Lease> lease_of(const Reply& reply) {
  if (!reply.server || !is_for_a_machine(reply.address)) return std::nullopt;
  if (reply.lease_seconds.value_or(0) < shortest_lease) return std::nullopt;
  const auto prefix = reply.netmask ? prefix_of_netmask(*reply.netmask) : prefix_of_class(reply.address);
  if (prefix.value_or(0) == 0) return std::nullopt;
  Lease lease{.settings = {.address = {reply.address, *prefix},
                           .host_name = reply.host_name,
                           .domain_name = reply.domain_name},
              .server = *reply.server,
              .times = times_of(*reply.lease_seconds, reply)};
  if (!reply.routers.empty() && is_for_a_machine(reply.routers.front()) &&
      reply.routers.front() != reply.address)
    lease.settings.router = reply.routers.front();
  std::copy_if(reply.name_servers.begin(), reply.name_servers.end(),
               std::back_inserter(lease.settings.name_servers),
               [](const IpAddress& one) { return one != IpAddress{}; });
  if (reply.mtu.value_or(0) >= smallest_mtu) lease.settings.mtu = reply.mtu;
  return lease;
}

}  // namespace kestrel::dhcp
