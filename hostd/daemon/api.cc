#include "hostd/daemon/api.h"

#include <array>
#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

struct Route {
  std::string_view method;
  std::string_view path;  ///< a `*` stands for one part, the resource's name
  void (*handle)(const ApiCall& call);
};

constexpr std::array routes = {
    Route{"GET", "/v1/health", show_health},
    Route{"GET", "/v1/metrics", show_metrics},
    Route{"GET", "/metrics", show_metrics},
    Route{"GET", "/v1/openapi.yaml", show_openapi},
    Route{"GET", "/v1/events", list_events},
    Route{"GET", "/v1/images", list_images},
    Route{"POST", "/v1/images", install_image},
    Route{"GET", "/v1/images/*", show_image},
    Route{"DELETE", "/v1/images/*", delete_image},
    Route{"GET", "/v1/vms", list_vms},
    Route{"POST", "/v1/vms", create_vm},
    Route{"GET", "/v1/vms/*", show_vm},
    Route{"PATCH", "/v1/vms/*", change_vm},
    Route{"DELETE", "/v1/vms/*", delete_vm},
    Route{"POST", "/v1/vms/*/start", start_vm},
    Route{"POST", "/v1/vms/*/stop", stop_vm},
    Route{"POST", "/v1/vms/*/restart", restart_vm},
    Route{"POST", "/v1/vms/*/pause", pause_vm},
    Route{"POST", "/v1/vms/*/resume", resume_vm},
    Route{"GET", "/v1/vms/*/wait", wait_for_vm},
    Route{"GET", "/v1/vms/*/logs", list_vm_logs},
    Route{"GET", "/v1/deployments", list_deployments},
    Route{"POST", "/v1/deployments", create_deployment},
    Route{"GET", "/v1/deployments/*", show_deployment},
    Route{"PATCH", "/v1/deployments/*", change_deployment},
    Route{"DELETE", "/v1/deployments/*", delete_deployment},
};

/// What stands at the pattern's `*`, or nothing where it has none; nullopt: the path is another one.
std::optional<std::string> match(std::string_view pattern, std::string_view path) {
  const auto wanted = split(pattern, '/');
  const auto given = split(path, '/');
  if (wanted.size() != given.size()) return std::nullopt;
  std::string name;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "*" && !given[i].empty()) {
      name = given[i];
    } else if (wanted[i] != given[i]) {
      return std::nullopt;
    }
  }
  return name;
}

int status_of(int code) {
  switch (code) {
    case ENOENT:
      return 404;
    case EBUSY:
    case EEXIST:
    case EADDRINUSE:
    case ECHILD:
      return 409;
    case EINVAL:
      return 422;
    case EAGAIN:
      return 503;
    case ETIMEDOUT:
      return 504;
    case ENOSPC:
      return 507;
    default:
      return 500;
  }
}

}  // namespace

void ApiCall::answer(int status, std::string json) const {
  responder.answer(wire::json_response(status, std::move(json)));
}

void ApiCall::refuse(int status, std::string_view detail) const {
  responder.answer(wire::problem(status, detail));
}

void ApiCall::refuse(const Error& error) const { refuse(status_of(error.code), error.message); }

bool ApiCall::has_flag(std::string_view flag) const {
  const auto value = target.find(flag);
  return value && *value != "0" && *value != "false";
}

void handle_api(ApiContext& api, const wire::Request& request, Responder responder) {
  const auto target = wire::parse_target(request.target);
  if (!target) return responder.answer(wire::problem(400, target.error().message));
  std::string allowed;
  for (const Route& route : routes) {
    auto name = match(route.path, target->path);
    if (!name) continue;
    if (route.method == request.method)
      return route.handle({api, request, *target, *std::move(name), std::move(responder)});
    allowed += concat(allowed.empty() ? "" : ", ", route.method);
  }
  if (allowed.empty())
    return responder.answer(wire::problem(404, concat("there is no ", printable(target->path))));
  wire::Response refusal =
      wire::problem(405, concat(printable(target->path), " has no ", printable(request.method)));
  refusal.headers.emplace_back("Allow", allowed);
  responder.answer(refusal);
}

bool is_api_body_in_pieces(std::string_view method, std::string_view target) {
  return method == "POST" && target.substr(0, target.find('?')) == "/v1/images";
}

std::vector<std::string> api_route_names() {
  std::vector<std::string> names;
  for (const Route& route : routes) {
    std::string path(route.path);
    if (const auto star = path.find('*'); star != std::string::npos) path.replace(star, 1, "{name}");
    names.push_back(concat(route.method, ' ', path));
  }
  return names;
}

}  // namespace kestrel::hostd
