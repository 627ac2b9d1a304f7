#include "kestrel/control/json.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

Answer get_timeline(const Call& call) {
  return wire::json_response(200, timeline_json(call.guest.info().boot, call.guest.service_times()));
}

}  // namespace kestrel::control
