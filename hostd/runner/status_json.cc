#include <unistd.h>

#include <nlohmann/json.hpp>

#include "hostd/runner/attached_vm.h"
#include "hostd/runner/runner.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

json boot_to_json(const std::vector<std::pair<Step, Duration>>& boot) {
  json steps = json::array();
  for (const auto& [step, at] : boot) steps.push_back({{"step", name_of(step)}, {"at_ms", to_ms(at)}});
  return steps;
}

json hello_to_json(const wire::Hello& hello) {
  json boot = json::array();
  for (const wire::BootStep& step : hello.boot) boot.push_back({{"step", step.name}, {"at_us", step.at_us}});
  return {{"version", hello.version}, {"protocol", hello.protocol},           {"boot_id", hello.boot_id},
          {"self_id", hello.self_id}, {"config_digest", hello.config_digest}, {"boot", boot}};
}

json ports_to_json(const std::vector<PublishedPort>& published) {
  json ports = json::array();
  for (const PublishedPort& port : published) {
    ports.push_back({{"address", port.address}, {"host", port.host}, {"guest", port.guest}});
  }
  return ports;
}

json vsock_to_json(const GuestVsock& vsock) {
  json out = {{"device", name_of(vsock.device())}, {"connections", vsock.connections()}};
  if (const auto stats = vsock.stats()) {
    out["bytes_to_guest"] = stats->bytes_to_guest;
    out["bytes_to_host"] = stats->bytes_to_host;
    out["buffered_bytes"] = stats->buffered_bytes;
  }
  return out;
}

}  // namespace

std::string AttachedVm::status_json() const {
  json status = {
      {"name", spec_.name},
      {"runtime_id", guest_.runtime_id()},
      {"state", state_name()},
      {"pid", ::getpid()},
      {"vmm", nullptr},
      {"attached", spec_.uds_path},
      {"ports", ports_to_json(publisher_.ports())},
      {"link", guest_.is_linked() ? "up" : "down"},
      {"vsock", {{"connections", dialer_.connections()}}},
  };
  if (guest_.hello()) status["guest"] = hello_to_json(*guest_.hello());
  return status.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string Runner::status_json() const {
  json status = {
      {"name", spec_.name},
      {"runtime_id", guest_.runtime_id()},
      {"state", name_of(machine_.state())},
      {"pid", ::getpid()},
      {"vmm", {{"pid", vmm_ ? vmm_->pid() : 0}, {"accel", uses_kvm_ ? "kvm" : "tcg"}}},
      {"started", format_time(started_)},
      {"boot", boot_to_json(boot_)},
      {"ports", ports_to_json(publisher_.ports())},
      {"memory_bytes", spec_.memory.count},
      {"cpus", spec_.cpus},
      {"link", guest_.is_linked() ? "up" : "down"},
  };
  status["network"] = format(spec_.network);
  if (card_) status["ip"] = format(card_->lease.address);
  if (guest_.hello()) status["guest"] = hello_to_json(*guest_.hello());
  if (vsock_) status["vsock"] = vsock_to_json(*vsock_);
  return status.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace kestrel::hostd
