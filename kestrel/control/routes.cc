#include "kestrel/control/routes.h"

#include <array>
#include <limits>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/config/screening.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

struct Route {
  std::string_view method;
  std::string_view pattern;  ///< `*` stands for one segment, the call's name
  Answer (*answer)(const Call&);
  std::size_t longest_body = 0;  ///< in bytes; 0: as usual
};
/// The body is taken while it comes, and may be of any length.
constexpr std::size_t in_pieces = std::numeric_limits<std::size_t>::max();

/// Arguments and environment may be long; the kernel takes 2 MiB of both together (execve(2)).
constexpr std::size_t longest_exec_body = 1024 * 1024;

constexpr std::array routes{
    Route{"GET", "/v1/info", get_info},
    Route{"GET", "/v1/health", get_health},
    Route{"GET", "/v1/metrics", get_metrics},
    Route{"GET", "/v1/timeline", get_timeline},
    Route{"GET", "/v1/services", list_services},
    Route{"GET", "/v1/services/*", get_service},
    Route{"POST", "/v1/services/*/start", start_service},
    Route{"POST", "/v1/services/*/stop", stop_service},
    Route{"POST", "/v1/services/*/restart", restart_service},
    Route{"POST", "/v1/services/*/signal", signal_service},
    Route{"GET", "/v1/logs", get_logs},
    Route{"GET", "/v1/events", get_events},
    Route{"GET", "/v1/config", get_config},
    Route{"PUT", "/v1/config", put_config, config::max_text_bytes},
    Route{"POST", "/v1/exec", start_exec, longest_exec_body},
    Route{"GET", "/v1/exec", list_execs},
    Route{"GET", "/v1/exec/*", get_exec},
    Route{"DELETE", "/v1/exec/*", delete_exec},
    Route{"GET", "/v1/files", get_file},
    Route{"PUT", "/v1/files", put_file, in_pieces},
    Route{"DELETE", "/v1/files", delete_file},
    Route{"POST", "/v1/power", change_power},
    Route{"GET", "/v1/session", get_session},
};

/// What stands at the pattern's `*` (empty where it has none), or nullopt where the path is another.
std::optional<std::string_view> match(std::string_view pattern, std::string_view path) {
  const std::size_t star = pattern.find('*');
  if (star == std::string_view::npos)
    return pattern == path ? std::optional(std::string_view()) : std::nullopt;
  const std::string_view head = pattern.substr(0, star);
  const std::string_view tail = pattern.substr(star + 1);
  if (path.size() <= head.size() + tail.size() || !path.starts_with(head) || !path.ends_with(tail))
    return std::nullopt;
  const std::string_view name = path.substr(head.size(), path.size() - head.size() - tail.size());
  return name.find('/') == std::string_view::npos ? std::optional(name) : std::nullopt;
}

wire::Response method_not_allowed(std::string_view method, std::string allowed) {
  wire::Response response = wire::problem(
      405, concat("this resource does not have the method ", printable(method), ", but ", allowed));
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

}  // namespace

std::vector<std::string> route_names() {
  std::vector<std::string> names;
  for (const Route& each : routes) names.push_back(concat(each.method, ' ', each.pattern));
  return names;
}

std::optional<wire::BodyRule> body_rule(std::string_view method, std::string_view target) {
  const std::string_view path = target.substr(0, target.find('?'));
  for (const Route& each : routes) {
    if (each.longest_body == 0 || each.method != method || !match(each.pattern, path)) continue;
    if (each.longest_body == in_pieces)
      return wire::BodyRule{wire::endless_body, wire::BodyRule::Delivery::in_pieces};
    return wire::BodyRule{.limit = Bytes{each.longest_body}};
  }
  return std::nullopt;
}

Answer route(const wire::Request& request, Guest& guest) {
  if (request.method == "CONNECT") return open_tunnel({request, {}, {}, guest});
  const Result<wire::Target> target = wire::parse_target(request.target);
  if (!target) return wire::problem(400, target.error().message);
  const std::string_view method = request.method == "HEAD" ? "GET" : std::string_view(request.method);
  std::string allowed;
  for (const Route& each : routes) {
    const auto name = match(each.pattern, target->path);
    if (!name) continue;
    if (each.method == method) return each.answer({request, *target, *name, guest});
    allowed += concat(allowed.empty() ? "" : ", ", each.method == "GET" ? "GET, HEAD" : each.method);
  }
  if (!allowed.empty()) return method_not_allowed(request.method, std::move(allowed));
  return wire::problem(404, concat("there is no resource ", printable(target->path)));
}

}  // namespace kestrel::control
