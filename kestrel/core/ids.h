// Identities in the supervisor. All are cheap integers; none is ever reused while a Supervisor lives.
#pragma once

#include <cstdint>
#include <variant>

#include "kestrel/base/strong.h"

namespace kestrel::core {

/// A service or job: its index in config::Model::services.
using ServiceId = Strong<struct ServiceIdTag, std::uint32_t>;
/// A health check: the guest's own come first, then each service's in the order of the model.
using CheckId = Strong<struct CheckIdTag, std::uint32_t>;
/// When a hook runs; which list of config::Hooks it is in.
enum class HookKind { pre_start, post_start, pre_stop, post_stop, on_unhealthy, post_resume };

/// One of the guest's own hooks.
struct GuestHook {
  HookKind kind = HookKind::pre_start;
  std::uint32_t index = 0;
  friend bool operator==(const GuestHook&, const GuestHook&) = default;
};
/// One of a service's hooks.
struct ServiceHook {
  ServiceId service;
  HookKind kind = HookKind::pre_start;
  std::uint32_t index = 0;
  friend bool operator==(const ServiceHook&, const ServiceHook&) = default;
};
/// One life of one process. An event of an earlier run can therefore never be taken for one of the current.
using RunId = Strong<struct RunIdTag, std::uint64_t>;
/// One run of one health check.
using ProbeId = Strong<struct ProbeIdTag, std::uint64_t>;

/// What a process is run for.
using Subject = std::variant<ServiceId, ServiceHook, GuestHook>;

}  // namespace kestrel::core
