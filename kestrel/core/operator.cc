// What operators ask for.
#include <algorithm>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/core/supervisor.h"

namespace kestrel::core {

namespace {

Reply done(std::vector<ServiceId> changed) { return {.changed = std::move(changed)}; }

Reply reloading() { return {.verdict = Reply::Verdict::conflict, .message = "a reload is under way"}; }

Reply gone() { return {.verdict = Reply::Verdict::gone, .message = "the guest is shutting down"}; }

}  // namespace

Reply Supervisor::apply(const Command& command, Now now) {
  auto reply = std::visit([&](const auto& one) { return run(one, now); }, command);
  settle(now);
  return reply;
}

Reply Supervisor::run(const StartService& command, Now now) {
  if (!std::holds_alternative<Up>(guest_) && !std::holds_alternative<Preparing>(guest_)) return gone();
  if (next_model_) return reloading();
  Reply reply;
  std::vector<ServiceId> todo = {command.service};
  std::vector<bool> is_seen(service_count());
  is_seen[command.service.value] = true;
  for (std::size_t i = 0; i < todo.size(); ++i) {
    const auto id = todo[i];
    Service& service = at(id);
    // A job that is done stays done for those who depend on it; a service that ended does not run.
    const bool is_done =
        std::holds_alternative<Completed>(service.state) && definition(id).kind == config::Kind::job;
    const bool is_at_rest = std::holds_alternative<Failed>(service.state) ||
                            std::holds_alternative<BackingOff>(service.state) ||
                            (std::holds_alternative<Completed>(service.state) && !is_done);
    const bool is_scheduled = definition(id).schedule.has_value();
    // Who is asked for by name does not wait for its schedule; what it requires does.
    const bool runs_now = id == command.service && is_scheduled && run_now(id, now);
    if (service.desired == Desired::stopped || is_at_rest || runs_now) {
      service.desired = Desired::running;
      service.history = {};
      if (is_at_rest) enter(id, is_scheduled ? State(Stopped{}) : Waiting{}, now);
      enqueue(id);
      reply.changed.push_back(id);
    }
    if (is_done || is_any(id, is_active)) continue;
    for (const auto& dependency : graph_.dependencies(id)) {
      if (!dependency.required || is_seen[dependency.service]) continue;
      is_seen[dependency.service] = true;
      todo.push_back(ServiceId{dependency.service});
    }
  }
  return reply;
}

Reply Supervisor::run(const StopService& command, Now) {
  if (!std::holds_alternative<Up>(guest_) && !std::holds_alternative<Preparing>(guest_)) return gone();
  if (next_model_) return reloading();
  std::vector<ServiceId> needing;
  std::vector<ServiceId> todo = {command.service};
  std::vector<bool> is_seen(service_count());
  is_seen[command.service.value] = true;
  for (std::size_t i = 0; i < todo.size(); ++i) {
    for (const auto& dependent : graph_.dependents(todo[i])) {
      const Service& other = at(dependent.service);
      const auto is_in_use = [](const State& state) {
        return is_up(state) || std::holds_alternative<BackingOff>(state);
      };
      const bool needs_it =
          dependent.required && other.desired == Desired::running && is_any(dependent.service, is_in_use);
      if (!needs_it || is_seen[dependent.service.value]) continue;
      is_seen[dependent.service.value] = true;
      needing.push_back(dependent.service);
      todo.push_back(dependent.service);
    }
  }
  if (!needing.empty() && !command.is_forced) {
    std::string names;
    for (const auto id : needing) names += (names.empty() ? "" : ", ") + name(id);
    return {.verdict = Reply::Verdict::conflict,
            .message = concat("cannot stop ", name(command.service), ": ", names,
                              needing.size() == 1 ? " requires it" : " require it"),
            .changed = {},
            .dependents = std::move(needing)};
  }
  Reply reply;
  for (const auto id : todo) {
    if (at(id).desired == Desired::stopped) continue;
    want(id, Desired::stopped);
    reply.changed.push_back(id);
  }
  return reply;
}

Reply Supervisor::run(const RestartService& command, Now now) {
  Service& service = at(command.service);
  if (!std::holds_alternative<Up>(guest_) && !std::holds_alternative<Preparing>(guest_)) return gone();
  if (next_model_) return reloading();
  if (std::holds_alternative<Completed>(service.state)) {
    service.desired = Desired::running;
    service.history = {};
    enter(command.service, Waiting{}, now);
    return done({command.service});
  }
  if (!is_any(command.service, is_up) || service.desired == Desired::stopped)
    return run(StartService{command.service}, now);

  auto reply = done({command.service});
  want_stop(command.service, StopCause::restart);
  service.history = {};
  for (const auto one : service.instances) at(one).history = {};
  for (const auto& dependent : graph_.dependents(command.service)) {
    if (!dependent.restart || !is_any(dependent.service, is_up)) continue;
    want_stop(dependent.service, StopCause::dependency);
    reply.changed.push_back(dependent.service);
  }
  return reply;
}

Reply Supervisor::run(const SignalService& command, Now) {
  bool has_process = false;
  const auto signal = [&](ServiceId id) {
    const auto* process = process_of(at(id).state);
    if (!process || !process->pid) return;
    has_process = true;
    effects_.push_back(SignalProcess{process->run, command.signal, Receiver::main_process});
  };
  signal(command.service);
  for (const auto one : at(command.service).instances) signal(one);
  if (!has_process) {
    return {.verdict = Reply::Verdict::conflict,
            .message = concat("cannot signal ", name(command.service), ": it has no process"),
            .changed = {},
            .dependents = {}};
  }
  return done({command.service});
}

Reply Supervisor::run(const ShutDown& command, Now now) {
  shut_down({.status = 0, .cause = "shutdown", .reason = command.reason, .action = command.action},
            command.reason, now);
  return {};
}

}  // namespace kestrel::core
