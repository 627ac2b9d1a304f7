// What the supervisor tells the world: one notice for each thing that happened and that someone may watch
// for. They become the events of the API and of the link (types as `service.ready`).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/core/events.h"
#include "kestrel/core/ids.h"

namespace kestrel::core {

enum class NoticeType {
  service_starting,
  service_started,
  service_ready,
  service_healthy,
  service_unhealthy,
  service_stopping,
  service_exited,
  service_stopped,
  service_failed,
  service_blocked,
  service_skipped,  ///< due by its schedule, and not begun
  job_completed,
  hook_failed,
  vm_booted,
  vm_ready,
  vm_healthy,
  vm_unhealthy,
  vm_reloaded,
  vm_resumed,
  vm_stopping,
};

/// The type's name in the API: `service.ready`, `vm.healthy`, ….
[[nodiscard]] std::string_view type_name(NoticeType type);

struct Notice {
  NoticeType type;
  std::optional<ServiceId> service;
  std::optional<int> pid;
  std::optional<Exit> exit;
  std::string reason;  ///< empty where the type says it all
  friend bool operator==(const Notice&, const Notice&) = default;
};

}  // namespace kestrel::core
