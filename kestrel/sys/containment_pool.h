// Containments between two runs of a service.
//
// Making a cgroup leaf and removing it are the dearest steps of a start (some 0.3 ms, of which a restart
// takes both), so a leaf whose processes have gone rests here for a while: the next run of that name gets it
// back, and what nobody asked for is removed later, all at once.
#pragma once

#include <string>
#include <unordered_map>

#include "kestrel/sys/containment.h"

namespace kestrel::sys {

class ContainmentPool {
 public:
  /// `root` must outlive the pool; nullptr: containment by session, of which nothing is kept.
  explicit ContainmentPool(const CgroupRoot* root) : root_(root) {}

  /// The resting containment of that name, as new, or a new one. `limits` are those it is to be held to.
  [[nodiscard]] Result<Containment> take(const std::string& name, const SharedLimits& limits);
  /// For one without processes. One of the same name that rests already is removed.
  void rest(const std::string& name, Containment containment);
  /// Removes all that rest.
  void clear() { resting_.clear(); }
  [[nodiscard]] bool is_empty() const { return resting_.empty(); }

 private:
  const CgroupRoot* root_;
  std::unordered_map<std::string, Containment> resting_;
};

}  // namespace kestrel::sys
