#include "kestrel/control/json.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

Answer get_info(const Call& call) {
  return wire::json_response(200, info_json(call.guest.info(), call.guest.phase()));
}

}  // namespace kestrel::control
