#include <nlohmann/json.hpp>

#include "hostd/daemon/managed_vm.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::string text(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

std::string ip_of(const json& status) {
  if (const std::string own = text(status, "ip"); !own.empty()) return own;
  const auto ports = status.find("ports");
  if (ports == status.end() || !ports->is_array() || ports->empty()) return {};
  return text(ports->front(), "address");
}

/// The link is one of them.
std::size_t callers_of(const json& status) {
  const auto vsock = status.find("vsock");
  if (vsock == status.end() || !vsock->is_object()) return 0;
  const auto count = vsock->value("connections", std::size_t{0});
  return count > 0 && text(status, "link") == "up" ? count - 1 : count;
}

}  // namespace

Result<RunnerStatus> parse_runner_status(std::string_view body) {
  const json document = json::parse(body, nullptr, false);
  if (!document.is_object() || text(document, "state").empty() || text(document, "runtime_id").empty())
    return Error{"the runner's answer is no VM"};
  return RunnerStatus{std::string(body), text(document, "state"),    text(document, "runtime_id"),
                      ip_of(document),   document.contains("guest"), callers_of(document)};
}

}  // namespace kestrel::hostd
