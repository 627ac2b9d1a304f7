// hostd's REST API: which request is answered by whom. docs/openapi-hostd.yaml describes it, and a test holds
// the two against each other.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hostd/daemon/deployments.h"
#include "hostd/daemon/fleet.h"
#include "hostd/daemon/image_installer.h"
#include "hostd/daemon/waits.h"
#include "hostd/http/http_server.h"
#include "hostd/images/store.h"
#include "hostd/registry/registry.h"

namespace kestrel::hostd {

/// What the API shows and does, all of which outlives it.
struct ApiContext {
  loop::Loop& loop;
  Registry& registry;
  Fleet& fleet;
  Deployments& deployments;
  Waits& waits;
  Store& images;
  InstallImage install_image;
  WallTime started;
};

/// One request, for whoever answers it, now or later.
struct ApiCall {
  ApiContext& api;
  wire::Request request;
  wire::Target target;
  std::string name;  ///< what stands at the `*` of the route's pattern
  Responder responder;

  void answer(int status, std::string json) const;
  void refuse(int status, std::string_view detail) const;
  /// With the status that fits the error's code: 404 ENOENT, 409 EBUSY, EEXIST and EADDRINUSE, 422 EINVAL,
  /// 503 EAGAIN, 504 ETIMEDOUT, 507 ENOSPC, else 500.
  void refuse(const Error& error) const;
  [[nodiscard]] bool has_flag(std::string_view name) const;
};

void handle_api(ApiContext& api, const wire::Request& request, Responder responder);
/// The body of such a request is as long as it likes to be (HttpServer::InPieces).
[[nodiscard]] bool is_api_body_in_pieces(std::string_view method, std::string_view target);
/// `METHOD /v1/path/{name}`, for a test.
[[nodiscard]] std::vector<std::string> api_route_names();

// --- the resources, a file each ---------------------------------------------------------------------------
void list_vms(const ApiCall& call);
void create_vm(const ApiCall& call);
void show_vm(const ApiCall& call);
void change_vm(const ApiCall& call);
void delete_vm(const ApiCall& call);
void start_vm(const ApiCall& call);
void stop_vm(const ApiCall& call);
void restart_vm(const ApiCall& call);
void pause_vm(const ApiCall& call);
void resume_vm(const ApiCall& call);
void wait_for_vm(const ApiCall& call);
void list_vm_logs(const ApiCall& call);

void list_deployments(const ApiCall& call);
void create_deployment(const ApiCall& call);
void show_deployment(const ApiCall& call);
void change_deployment(const ApiCall& call);
void delete_deployment(const ApiCall& call);

void list_images(const ApiCall& call);
void install_image(const ApiCall& call);
void show_image(const ApiCall& call);
void delete_image(const ApiCall& call);

void list_events(const ApiCall& call);
void show_health(const ApiCall& call);
void show_metrics(const ApiCall& call);
void show_openapi(const ApiCall& call);

}  // namespace kestrel::hostd
