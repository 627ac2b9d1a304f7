#include "kestrel/app/guest_setup.h"

#include "kestrel/base/ip_address.h"
#include "kestrel/base/log.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/module_index.h"
#include "kestrel/sys/mount_request.h"
#include "kestrel/sys/sysctl.h"

namespace kestrel::app {

namespace {

/// For all devices together: drivers find theirs within a moment, or there is none.
constexpr Duration patience_for_devices = seconds(5);

void log_failure(const Result<void>& done) {
  if (!done) log_error(done.error().message);
}

/// Servers that are no addresses are left out.
void take_network(const wire::NetworkSettings& settings, config::Network& network) {
  if (!parse_ip_network(settings.address) || !parse_ip_address(settings.gateway))
    return log_error("cannot use the host's network settings: ", settings.address, " via ", settings.gateway);
  network.mode = config::NetworkMode::fixed;
  network.address = settings.address;
  network.gateway = settings.gateway;
  if (!network.dns.empty()) return;
  for (const auto& server : settings.name_servers) {
    if (parse_ip_address(server)) network.dns.push_back(server);
  }
}

}  // namespace

void prepare_kernel(const config::Model& model) {
  const auto version = sys::kernel_version();
  for (const auto& name : model.modules) log_failure(sys::load_module_by_name("/", version, name));
  // A module may bring the parameter.
  for (const auto& [name, value] : model.sysctl) log_failure(sys::set_sysctl("/proc/sys", name, value));
}

void add_devices(const wire::Welcome& welcome, config::Model& model) {
  for (const auto& one : welcome.mounts) {
    model.mounts.push_back({.source = one.source, .target = one.target, .type = one.type, .options = {}});
  }
  if (welcome.network && model.network.mode == config::NetworkMode::automatic)
    take_network(*welcome.network, model.network);
}

std::vector<std::string> mount_all(const config::Model& model) {
  std::vector<std::string> failures;
  const auto deadline = sys::monotonic_now() + patience_for_devices;
  for (const auto& one : model.mounts) {
    const auto mounted = sys::mount({one.source, one.target, one.type, one.options}, deadline);
    if (mounted) {
      if (!mounted->empty()) log_warning(*mounted);
      continue;
    }
    if (sys::parse_mount_options(one.options).may_fail) {
      log_warning(mounted.error().message);
    } else {
      log_error(mounted.error().message);
      failures.push_back(mounted.error().message);
    }
  }
  return failures;
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
