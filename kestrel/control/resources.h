// The API's resources, one file each: what their methods do. routes.cc says under which path.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/control/answer.h"

namespace kestrel::control {

[[nodiscard]] Answer get_info(const Call& call);
[[nodiscard]] Answer get_health(const Call& call);

[[nodiscard]] Answer get_metrics(const Call& call);
[[nodiscard]] Answer get_timeline(const Call& call);

[[nodiscard]] Answer list_services(const Call& call);
[[nodiscard]] Answer get_service(const Call& call);
[[nodiscard]] Answer start_service(const Call& call);
[[nodiscard]] Answer stop_service(const Call& call);
[[nodiscard]] Answer restart_service(const Call& call);
[[nodiscard]] Answer signal_service(const Call& call);

[[nodiscard]] Answer get_logs(const Call& call);
[[nodiscard]] Answer get_events(const Call& call);

[[nodiscard]] Answer get_config(const Call& call);
[[nodiscard]] Answer put_config(const Call& call);

[[nodiscard]] Answer start_exec(const Call& call);
[[nodiscard]] Answer list_execs(const Call& call);
/// With an upgrade it attaches to a detached one.
[[nodiscard]] Answer get_exec(const Call& call);
[[nodiscard]] Answer delete_exec(const Call& call);

[[nodiscard]] Answer get_file(const Call& call);
[[nodiscard]] Answer put_file(const Call& call);
[[nodiscard]] Answer delete_file(const Call& call);

[[nodiscard]] Answer change_power(const Call& call);

/// CONNECT: the target is `host:port`, and only the guest's own loopback may be reached.
[[nodiscard]] Answer open_tunnel(const Call& call);

/// Proves only that the connection may call: whoever may not never gets here.
[[nodiscard]] Answer get_session(const Call& call);
/// Whether the request carries `Authorization: Bearer TOKEN`. The time it takes tells nothing about the
/// token.
[[nodiscard]] bool has_token(const wire::Request& request, std::string_view token);

}  // namespace kestrel::control
