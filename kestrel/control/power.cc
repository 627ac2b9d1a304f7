#include "kestrel/control/json.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

Answer change_power(const Call& call) {
  const Result<core::PowerAction> action = parse_power_request(call.request.body);
  if (!action) return wire::problem(400, action.error().message);
  // Where the guest is going down already, there is nothing left to ask for: asking twice is no error.
  static_cast<void>(
      call.guest.apply(core::ShutDown{.action = *action, .reason = "asked for through the API"}));
  return wire::json_response(
      202, *action == core::PowerAction::reboot ? R"({"action":"reboot"})" : R"({"action":"shutdown"})");
}

}  // namespace kestrel::control
