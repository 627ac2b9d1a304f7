#include "kestrel/control/json.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

std::vector<std::string> names_of(const Guest& guest, const std::vector<core::ServiceId>& ids) {
  std::vector<std::string> names;
  names.reserve(ids.size());
  for (const core::ServiceId id : ids) names.push_back(guest.name(id));
  return names;
}

std::string to_json(Guest& guest, core::ServiceId id) {
  const LogRing& ring = guest.logs();
  LogCounts counts;
  if (const auto source = ring.find(guest.name(id)))
    counts = {.lines = ring.pushed(*source), .dropped = ring.dropped_untaken(*source)};
  return service_json(guest.view(id), guest.usage(id), counts);
}

wire::Response unknown_service(const Call& call) {
  std::vector<std::string> names;
  for (std::uint32_t i = 0; i < call.guest.service_count(); ++i) names.push_back(call.guest.name({i}));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  return unknown_name("service", call.name, candidates);
}

wire::Response to_response(const Guest& guest, const core::Reply& reply) {
  switch (reply.verdict) {
    case core::Reply::Verdict::done:
      return wire::json_response(200, changed_json(names_of(guest, reply.changed)));
    case core::Reply::Verdict::conflict: {
      wire::Response response = wire::problem(409, reply.message);
      response.body = conflict_json(reply.message, names_of(guest, reply.dependents)) + '\n';
      return response;
    }
    case core::Reply::Verdict::gone:
      break;
  }
  return wire::problem(503, reply.message);
}

/// Looks the service up and does what `command_for(id)` says to it.
template <typename CommandFor>
Answer command(const Call& call, CommandFor command_for) {
  const std::optional<core::ServiceId> id = call.guest.find(call.name);
  if (!id) return unknown_service(call);
  const Result<core::Command> command = command_for(*id);
  if (!command) return wire::problem(400, command.error().message);
  return to_response(call.guest, call.guest.apply(*command));
}

}  // namespace

Answer list_services(const Call& call) {
  std::vector<std::string> services;
  services.reserve(call.guest.service_count());
  for (std::uint32_t i = 0; i < call.guest.service_count(); ++i) services.push_back(to_json(call.guest, {i}));
  return wire::json_response(200, services_json(services));
}

Answer get_service(const Call& call) {
  const std::optional<core::ServiceId> id = call.guest.find(call.name);
  if (!id) return unknown_service(call);
  return wire::json_response(200, to_json(call.guest, *id));
}

Answer start_service(const Call& call) {
  return command(call, [](core::ServiceId id) -> Result<core::Command> { return {core::StartService{id}}; });
}

Answer stop_service(const Call& call) {
  return command(call, [&](core::ServiceId id) -> Result<core::Command> {
    const Result<bool> is_forced = query_flag(call.target, "force");
    if (!is_forced) return is_forced.error();
    return {core::StopService{.service = id, .is_forced = *is_forced}};
  });
}

Answer restart_service(const Call& call) {
  return command(call,
                 [](core::ServiceId id) -> Result<core::Command> { return {core::RestartService{id}}; });
}

Answer signal_service(const Call& call) {
  return command(call, [&](core::ServiceId id) -> Result<core::Command> {
    const Result<int> signal = parse_signal_request(call.request.body);
    if (!signal) return signal.error();
    return {core::SignalService{.service = id, .signal = *signal}};
  });
}

}  // namespace kestrel::control
