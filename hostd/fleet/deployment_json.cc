#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "hostd/fleet/deployment.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

constexpr std::array duration_members = {
    std::pair{std::string_view("progress_timeout"), &RolloutPolicy::progress_timeout},
    std::pair{std::string_view("drain_timeout"), &RolloutPolicy::drain_timeout},
};
constexpr std::array count_members = {
    std::pair{std::string_view("max_surge"), &RolloutPolicy::max_surge},
    std::pair{std::string_view("max_unavailable"), &RolloutPolicy::max_unavailable},
    std::pair{std::string_view("max_failures"), &RolloutPolicy::max_failures},
};

Error wrong_type(std::string_view name, std::string_view wanted) {
  return Error{concat("cannot read deployment: `", name, "` is not ", wanted)};
}

/// Of a request, before anything is taken from it.
Result<void> check_names(const json& document) {
  std::vector<std::string_view> known = vm_request_members();
  for (const auto& [name, member] : count_members) known.push_back(name);
  for (const auto& [name, member] : duration_members) known.push_back(name);
  known.insert(known.end(), {"replicas", "publish"});
  for (const auto& [name, value] : document.items()) {
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto meant = nearest(name, known);
    return Error{concat("cannot read deployment: unknown member `", printable(name), '`',
                        meant ? concat(", did you mean `", *meant, "`?") : "")};
  }
  return {};
}

Result<void> take_count(json& object, std::string_view name, unsigned& out) {
  const auto member = object.find(name);
  if (member == object.end()) return {};
  if (!member->is_number_unsigned() || member->get<std::uint64_t>() > 1'000'000)
    return wrong_type(name, "a number");
  out = member->get<unsigned>();
  object.erase(member);
  return {};
}

Result<void> take_duration(json& object, std::string_view name, Duration& out) {
  const auto member = object.find(name);
  if (member == object.end()) return {};
  const auto duration = member->is_string() ? parse_duration(member->get<std::string>()) : std::nullopt;
  if (!duration) return wrong_type(name, "a length of time such as \"30s\"");
  out = *duration;
  object.erase(member);
  return {};
}

Result<void> take_publish(json& object, std::vector<std::string>& out) {
  const auto member = object.find("publish");
  if (member == object.end()) return {};
  const Error wrong = wrong_type("publish", "a list of texts such as \"8080:80\"");
  if (!member->is_array()) return wrong;
  for (const json& port : *member) {
    if (!port.is_string()) return wrong;
    out.push_back(port.get<std::string>());
  }
  object.erase(member);
  return {};
}

Result<void> take_rollout(json& object, RolloutPolicy& out) {
  for (const auto& [name, member] : count_members) {
    if (const auto taken = take_count(object, name, out.*member); !taken) return taken;
  }
  for (const auto& [name, member] : duration_members) {
    if (const auto taken = take_duration(object, name, out.*member); !taken) return taken;
  }
  return {};
}

json rollout_to_json(const RolloutPolicy& rollout) {
  json object = json::object();
  for (const auto& [name, member] : count_members) object[std::string(name)] = rollout.*member;
  for (const auto& [name, member] : duration_members)
    object[std::string(name)] = format_duration(rollout.*member);
  return object;
}

json revision_to_json(const Revision& revision) {
  return {{"number", revision.number},
          {"request", json::parse(to_json(revision.request))},
          {"spec", json::parse(to_json(revision.spec))}};
}

Result<Revision> read_revision(const json& object) {
  Revision revision;
  revision.number = object.value("number", 1U);
  auto request = parse_vm_request(object.value("request", json::object()).dump());
  if (!request) return request.error();
  auto spec = parse_vm_spec(object.value("spec", json::object()).dump());
  if (!spec) return spec.error();
  revision.request = std::move(*request);
  revision.spec = std::move(*spec);
  return revision;
}

/// Throws where a member is of another type.
Result<Deployment> read_deployment(json document) {
  Deployment deployment;
  deployment.name = document.value("name", "");
  deployment.rollback_reason = document.value("rollback_reason", "");
  deployment.is_leaving = document.value("leaving", false);
  deployment.created = parse_time(document.value("created", "")).value_or(WallTime{});
  std::vector<std::string> ports;
  json rollout = document.value("rollout", json::object_t());
  for (const auto& taken : {take_count(document, "replicas", deployment.replicas),
                            take_count(document, "last_revision", deployment.last_revision),
                            take_publish(document, ports), take_rollout(rollout, deployment.rollout)}) {
    if (!taken) return taken.error();
  }
  for (const std::string& port_text : ports) {
    auto port = parse_published_port(port_text);
    if (!port) return port.error();
    deployment.publish.push_back(std::move(*port));
  }
  auto target = read_revision(document.value("target", json::object()));
  if (!target) return target.error();
  deployment.target = std::move(*target);
  if (document.contains("previous")) {
    auto previous = read_revision(document["previous"]);
    if (!previous) return previous.error();
    deployment.previous = std::move(*previous);
  }
  return deployment;
}

}  // namespace

Result<DeploymentRequest> parse_deployment_request(std::string_view text) {
  json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return Error{"cannot read deployment: it is not a JSON object"};
  if (const auto checked = check_names(document); !checked) return checked.error();
  DeploymentRequest request;
  for (const auto& taken :
       {take_count(document, "replicas", request.replicas), take_publish(document, request.publish),
        take_rollout(document, request.rollout)}) {
    if (!taken) return taken.error();
  }
  // What is left is what its VMs are asked for.
  auto vm = parse_vm_request(document.dump());
  if (!vm) return vm.error();
  request.vm = std::move(*vm);
  request.name = request.vm.name;
  request.vm.name.clear();
  return request;
}

std::string to_json(const DeploymentRequest& request) {
  json document = json::parse(to_json(request.vm));
  document["name"] = request.name;
  document["replicas"] = request.replicas;
  document["publish"] = request.publish;
  document.update(rollout_to_json(request.rollout));
  return document.dump();
}

std::string to_json(const Deployment& deployment) {
  json publish = json::array();
  for (const PublishedPort& port : deployment.publish) publish.push_back(format_published_port(port));
  json document = {{"name", deployment.name},
                   {"replicas", deployment.replicas},
                   {"publish", publish},
                   {"rollout", rollout_to_json(deployment.rollout)},
                   {"target", revision_to_json(deployment.target)},
                   {"last_revision", deployment.last_revision},
                   {"leaving", deployment.is_leaving},
                   {"rollback_reason", deployment.rollback_reason},
                   {"created", format_time(deployment.created)}};
  if (deployment.previous) document["previous"] = revision_to_json(*deployment.previous);
  return document.dump();
}

Result<Deployment> parse_deployment(std::string_view text) {
  try {
    return read_deployment(json::parse(text));
  } catch (const json::exception& problem) {
    return Error{concat("cannot read deployment: ", problem.what())};
  }
}

}  // namespace kestrel::hostd
