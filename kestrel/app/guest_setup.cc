#include "kestrel/app/guest_setup.h"

#include <array>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/log.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/ip_parameter.h"
#include "kestrel/sys/module_index.h"
#include "kestrel/sys/mount_request.h"
#include "kestrel/sys/mounts.h"
#include "kestrel/sys/netlink.h"
#include "kestrel/sys/network.h"
#include "kestrel/sys/sysctl.h"

namespace kestrel::app {

namespace {

using Failures = std::vector<Error>;

/// For all devices together: drivers find theirs within a moment, or there is none.
constexpr Duration patience_for_devices = seconds(5);
/// What a kernel calls a machine that has been given no name.
constexpr std::string_view no_hostname = "(none)";

void keep_failure(const Result<void>& done, Failures& failures) {
  if (!done) failures.push_back(done.error());
}

Failures load_modules(const config::Model& model, const sys::KernelParameters&) {
  Failures failures;
  const auto version = sys::kernel_version();
  for (const auto& name : model.modules) keep_failure(sys::load_module_by_name("/", version, name), failures);
  return failures;
}

Failures set_sysctls(const config::Model& model, const sys::KernelParameters&) {
  Failures failures;
  for (const auto& [name, value] : model.sysctl)
    keep_failure(sys::set_sysctl("/proc/sys", name, value), failures);
  return failures;
}

// --- network
// ---------------------------------------------------------------------------------------------------

Result<void> configure_interface(std::string name, const IpNetwork& address,
                                 const std::optional<IpAddress>& gateway) {
  if (name.empty()) {
    auto first = sys::first_interface();
    if (!first) return first.error();
    name = std::move(*first);
  }
  if (auto up = sys::bring_up_interface(name); !up) return up.error();
  if (auto added = sys::add_address(name, address); !added) return added.error();
  return gateway ? sys::add_default_route(name, *gateway) : Result<void>();
}

Failures follow_ip_parameter(std::string_view text, std::vector<IpAddress>& name_servers) {
  const auto parameter = sys::parse_ip_parameter(text);
  if (!parameter) return {parameter.error()};
  if (parameter->needs_autoconfiguration)
    return {Error{"cannot configure the network by DHCP: not supported, give ip= an address"}};
  Failures failures;
  name_servers = parameter->name_servers;
  if (!parameter->hostname.empty() && sys::hostname() == no_hostname)
    keep_failure(sys::set_hostname(parameter->hostname), failures);
  if (parameter->address)
    keep_failure(configure_interface(parameter->interface, *parameter->address, parameter->gateway),
                 failures);
  return failures;
}

Failures configure_network(const config::Model& model, const sys::KernelParameters& parameters) {
  const auto& network = model.network;
  std::vector<IpAddress> name_servers;
  Failures failures;
  const auto ip = parameters.find("ip");
  if (network.mode == config::NetworkMode::automatic && ip != parameters.end())
    failures = follow_ip_parameter(ip->second, name_servers);
  if (network.mode == config::NetworkMode::fixed) {
    // The configuration was found valid, its addresses too.
    keep_failure(configure_interface(network.interface, *parse_ip_network(network.address),
                                     parse_ip_address(network.gateway)),
                 failures);
  }
  if (!network.dns.empty()) name_servers.clear();
  for (const auto& server : network.dns) name_servers.push_back(*parse_ip_address(server));
  if (!name_servers.empty())
    keep_failure(sys::write_name_servers("/etc/resolv.conf", name_servers), failures);
  return failures;
}

// --- mounts
// ----------------------------------------------------------------------------------------------------

Failures mount_all(const config::Model& model, const sys::KernelParameters&) {
  Failures failures;
  const auto deadline = sys::monotonic_now() + patience_for_devices;
  for (const auto& one : model.mounts) {
    const auto mounted = sys::mount({one.source, one.target, one.type, one.options}, deadline);
    if (mounted) continue;
    if (sys::parse_mount_options(one.options).may_fail) {
      log_warning(mounted.error().message);
    } else {
      failures.push_back(mounted.error());
    }
  }
  return failures;
}

struct Step {
  Failures (*run)(const config::Model&, const sys::KernelParameters&);
  sys::OnFailure on_failure;
};

// A module may bring what is named further down: a parameter, an interface, a file system.
constexpr std::array steps = {
    Step{load_modules, sys::OnFailure::go_on},
    Step{set_sysctls, sys::OnFailure::go_on},
    Step{configure_network, sys::OnFailure::go_on},
    Step{mount_all, sys::OnFailure::give_up},
};

}  // namespace

std::vector<std::string> set_up_guest(const config::Model& model, const sys::KernelParameters& parameters) {
  std::vector<std::string> grave;
  for (const auto& step : steps) {
    for (const auto& failure : step.run(model, parameters)) {
      log_error(failure.message);
      if (step.on_failure == sys::OnFailure::give_up) grave.push_back(failure.message);
    }
  }
  return grave;
}

std::vector<std::string> guest_wide_keys(const config::Model& model) {
  std::vector<std::string> keys;
  if (!model.mounts.empty()) keys.emplace_back("mounts");
  if (!model.modules.empty()) keys.emplace_back("modules");
  if (!model.sysctl.empty()) keys.emplace_back("sysctl");
  if (model.network != config::Network{}) keys.emplace_back("network");
  return keys;
}

}  // namespace kestrel::app
