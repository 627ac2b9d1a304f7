// A model in the making: what the file says, type-checked, with the positions and the "not said" that the
// rules and the defaults still need. Ends where defaults.h turns it into a Model.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/config/problem.h"

namespace kestrel::config {

/// A value and where it was written.
template <typename T>
struct Placed {
  T value{};
  Position at;
};

struct DependencyDraft {
  Placed<std::string> service;
  std::optional<Placed<Condition>> condition;
  bool restart = false;
  bool required = true;
  std::uint32_t index = 0;  ///< of the service; set by validate()
};

struct CheckDraft {
  Check check;  ///< its name is empty where none is given; failure_threshold and on_failure are below
  Position at;
  std::vector<Placed<Probe>> probes;  ///< exactly one is right
  std::optional<Placed<std::uint32_t>> failure_threshold;
  std::optional<Placed<OnUnhealthy>> on_failure;
};

struct RestartDraft {
  Restart restart;  ///< but its policy
  std::optional<Placed<RestartPolicy>> policy;
};

struct ServiceDraft {
  Service service;  ///< but what is below
  Position at;
  Position name_at;
  Placed<RestartDraft> restart;
  std::vector<DependencyDraft> depends_on;
  std::vector<CheckDraft> checks;
};

struct ModelDraft {
  Model model;  ///< but its services and checks
  std::optional<Position> exec_at;
  std::vector<ServiceDraft> services;
  std::vector<CheckDraft> checks;
};

}  // namespace kestrel::config
