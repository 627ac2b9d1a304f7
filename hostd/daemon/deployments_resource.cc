#include <nlohmann/json.hpp>

#include "hostd/daemon/api.h"
#include "hostd/daemon/views.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

bool is_there(const ApiCall& call) {
  if (call.api.deployments.has(call.name)) return true;
  call.refuse(404, concat("there is no deployment ", printable(call.name)));
  return false;
}

}  // namespace

void list_deployments(const ApiCall& call) {
  std::vector<std::string> all;
  for (const std::string& name : call.api.deployments.names())
    all.push_back(to_json(call.api.deployments.view(name)));
  call.answer(200, list_json("deployments", all));
}

void create_deployment(const ApiCall& call) {
  const auto request = parse_deployment_request(call.request.body);
  if (!request) return call.refuse(422, request.error().message);
  if (request->vm.image.empty()) return call.refuse(422, "cannot create deployment: it needs an `image`");
  if (const auto created = call.api.deployments.create(*request); !created)
    return call.refuse(created.error());
  call.answer(201, to_json(call.api.deployments.view(request->name)));
}

void show_deployment(const ApiCall& call) {
  if (is_there(call)) call.answer(200, to_json(call.api.deployments.view(call.name)));
}

/// A merge patch (RFC 7386) of what was asked for.
void change_deployment(const ApiCall& call) {
  if (!is_there(call)) return;
  const json patch = json::parse(call.request.body, nullptr, false);
  if (!patch.is_object()) return call.refuse(422, "cannot change deployment: the body is no JSON object");
  json wanted = json::parse(to_json(request_of(call.api.deployments.view(call.name).deployment)));
  wanted.merge_patch(patch);
  auto request = parse_deployment_request(wanted.dump());
  if (!request) return call.refuse(422, request.error().message);
  request->name = call.name;
  if (const auto changed = call.api.deployments.change(*request); !changed)
    return call.refuse(changed.error());
  call.answer(200, to_json(call.api.deployments.view(call.name)));
}

void delete_deployment(const ApiCall& call) {
  if (!is_there(call)) return;
  if (const auto removed = call.api.deployments.remove(call.name); !removed)
    return call.refuse(removed.error());
  call.answer(202, to_json(call.api.deployments.view(call.name)));
}

}  // namespace kestrel::hostd
