#include "kestrel/sys/containment_pool.h"

#include <utility>

namespace kestrel::sys {

Result<Containment> ContainmentPool::take(const std::string& name, const SharedLimits& limits) {
  if (auto found = resting_.extract(name); found && found.mapped().renew(limits))
    return std::move(found.mapped());
  return Containment::create(root_, name);
}

void ContainmentPool::rest(const std::string& name, Containment containment) {
  if (containment.cgroup_fd() >= 0) resting_.insert_or_assign(name, std::move(containment));
}

}  // namespace kestrel::sys
