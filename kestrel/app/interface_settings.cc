#include "kestrel/app/interface_settings.h"

#include "kestrel/base/log.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/netlink.h"
#include "kestrel/sys/network.h"

namespace kestrel::app {

namespace {

void log_failure(const Result<void>& done) {
  if (!done) log_warning(done.error().message);
}

bool is_within(const IpAddress& address, const IpNetwork& network) {
  for (unsigned bit = 0; bit < network.prefix; ++bit) {
    const unsigned difference = address.bytes[bit / 8] ^ network.address.bytes[bit / 8];
    if ((difference & (0x80U >> bit % 8)) != 0) return false;
  }
  return true;
}

/// Some clouds give addresses of a network of one, with a router outside it.
sys::GatewayIs where_is(const IpAddress& router, const dhcp::Settings& settings) {
  return is_within(router, settings.address) ? sys::GatewayIs::within_a_network : sys::GatewayIs::direct;
}

}  // namespace

void set_up_interface(const std::string& interface, const std::optional<dhcp::Settings>& present,
                      const dhcp::Settings& next) {
  if (present && (present->address != next.address || present->router != next.router))
    take_down_interface(interface, *present);
  if (next.mtu) log_failure(sys::set_mtu(interface, *next.mtu));
  log_failure(sys::add_address(interface, next.address));
  if (next.router) log_failure(sys::add_default_route(interface, *next.router, where_is(*next.router, next)));
  if (!next.host_name.empty() && sys::hostname().empty()) log_failure(sys::set_hostname(next.host_name));
}

void take_down_interface(const std::string& interface, const dhcp::Settings& present) {
  if (present.router) log_failure(sys::remove_default_route(interface, *present.router));
  log_failure(sys::remove_address(interface, present.address));
}

void take_name_servers(const dhcp::Settings& settings) {
  if (settings.name_servers.empty()) return;
  log_failure(sys::write_name_servers("/etc/resolv.conf", settings.name_servers, settings.domain_name));
}

}  // namespace kestrel::app
