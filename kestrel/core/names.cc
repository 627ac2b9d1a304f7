// The API's words for the core's enumerations.
#include "kestrel/core/notice.h"
#include "kestrel/core/view.h"

namespace kestrel::core {

std::string_view name_of(StateName state) {
  switch (state) {
    case StateName::waiting:
      return "waiting";
    case StateName::starting:
      return "starting";
    case StateName::running:
      return "running";
    case StateName::stopping:
      return "stopping";
    case StateName::backing_off:
      return "backing_off";
    case StateName::completed:
      return "completed";
    case StateName::failed:
      return "failed";
    case StateName::blocked:
      return "blocked";
    case StateName::stopped:
      return "stopped";
  }
  return {};
}

std::string_view name_of(Desired desired) { return desired == Desired::running ? "running" : "stopped"; }

std::string_view name_of(Health health) {
  switch (health) {
    case Health::none:
      return "none";
    case Health::starting:
      return "starting";
    case Health::healthy:
      return "healthy";
    case Health::unhealthy:
      return "unhealthy";
  }
  return {};
}

std::string_view name_of(ExitCause cause) {
  switch (cause) {
    case ExitCause::exit:
      return "exit";
    case ExitCause::signal:
      return "signal";
    case ExitCause::oom:
      return "oom";
    case ExitCause::stop:
      return "stop";
    case ExitCause::probe:
      return "probe";
    case ExitCause::start_timeout:
      return "start_timeout";
    case ExitCause::exec_failed:
      return "exec_failed";
  }
  return {};
}

std::string_view name_of(Phase phase) {
  switch (phase) {
    case Phase::preparing:
      return "preparing";
    case Phase::up:
      return "up";
    case Phase::shutting_down:
      return "shutting_down";
    case Phase::down:
      return "down";
  }
  return {};
}

std::string_view type_name(NoticeType type) {
  switch (type) {
    case NoticeType::service_starting:
      return "service.starting";
    case NoticeType::service_started:
      return "service.started";
    case NoticeType::service_ready:
      return "service.ready";
    case NoticeType::service_healthy:
      return "service.healthy";
    case NoticeType::service_unhealthy:
      return "service.unhealthy";
    case NoticeType::service_stopping:
      return "service.stopping";
    case NoticeType::service_exited:
      return "service.exited";
    case NoticeType::service_stopped:
      return "service.stopped";
    case NoticeType::service_failed:
      return "service.failed";
    case NoticeType::service_blocked:
      return "service.blocked";
    case NoticeType::service_skipped:
      return "service.skipped";
    case NoticeType::job_completed:
      return "job.completed";
    case NoticeType::hook_failed:
      return "hook.failed";
    case NoticeType::vm_booted:
      return "vm.booted";
    case NoticeType::vm_ready:
      return "vm.ready";
    case NoticeType::vm_healthy:
      return "vm.healthy";
    case NoticeType::vm_unhealthy:
      return "vm.unhealthy";
    case NoticeType::vm_resumed:
      return "vm.resumed";
    case NoticeType::vm_reloaded:
      return "vm.reloaded";
    case NoticeType::vm_stopping:
      return "vm.stopping";
  }
  return {};
}

}  // namespace kestrel::core
