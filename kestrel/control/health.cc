#include "kestrel/control/json.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

Answer get_health(const Call& call) {
  const core::HealthView health = call.guest.health();
  return wire::json_response(health.status == core::Health::healthy ? 200 : 503, health_json(health));
}

}  // namespace kestrel::control
