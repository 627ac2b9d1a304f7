#include <algorithm>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "hostd/daemon/api.h"
#include "hostd/daemon/views.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// How long a caller waits who does not say how long.
constexpr Duration usual_patience = minutes(2);
/// Nobody is noticed to have gone who waits.
constexpr Duration longest_patience = hours(1);
/// Beyond the runner's own deadlines and hostd's, each of which ends in force.
constexpr Duration stop_margin = minutes(1);
/// A guest has to step its clock, and reports.
constexpr Duration pause_time = seconds(30);

/// nullopt: it has been refused.
ManagedVm* find(const ApiCall& call) {
  ManagedVm* const vm = call.api.fleet.find(call.name);
  if (vm == nullptr) call.refuse(404, concat("there is no VM ", printable(call.name)));
  return vm;
}

void answer_with(const ApiCall& call, int status, const std::string& name) {
  const ManagedVm* const vm = call.api.fleet.find(name);
  if (vm == nullptr) return call.refuse(404, concat("there is no VM ", name));
  call.answer(status, to_json(*vm));
}

/// Waits until it has stopped, for as long as it may take.
void when_stopped(const ApiCall& call, const ManagedVm& vm, std::function<void()> then) {
  call.api.waits.wait(vm.record().name, Goal::stopped, vm.record().spec.shutdown_timeout + stop_margin,
                      [call, then = std::move(then)](const Result<void>& stopped) {
                        if (!stopped) return call.refuse(stopped.error());
                        then();
                      });
}

StopForce force_of(const ApiCall& call) {
  return call.has_flag("force") ? StopForce::immediate : StopForce::orderly;
}

void pass_on(const ApiCall& call, const char* target) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  vm->ask_runner("POST", target, pause_time, [call](const Result<wire::Response>& answer) {
    if (!answer) return call.refuse(answer.error());
    call.responder.answer(*answer);
  });
}

}  // namespace

void list_vms(const ApiCall& call) {
  std::vector<std::string> vms;
  for (const ManagedVm* vm : call.api.fleet.vms()) vms.push_back(to_json(*vm));
  call.answer(200, list_json("vms", vms));
}

void create_vm(const ApiCall& call) {
  auto request = parse_vm_request(call.request.body);
  if (!request) return call.refuse(422, request.error().message);
  if (request->image.empty()) return call.refuse(422, "cannot create VM: it needs an `image`");
  const auto vm = call.api.fleet.create(std::move(*request));
  if (!vm) return call.refuse(vm.error());
  if (const auto start = call.target.find("start"); start && *start == "0")
    return call.answer(201, to_json(**vm));
  if (const auto started = (*vm)->start(); !started) return call.refuse(started.error());
  call.answer(201, to_json(**vm));
}

void show_vm(const ApiCall& call) {
  if (const ManagedVm* const vm = find(call)) call.answer(200, to_json(*vm));
}

/// A merge patch (RFC 7386) of what was asked for, for the next run.
void change_vm(const ApiCall& call) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  const json patch = json::parse(call.request.body, nullptr, false);
  if (!patch.is_object()) return call.refuse(422, "cannot change VM: the body is no JSON object");
  json wanted = json::parse(to_json(vm->record().request));
  wanted.merge_patch(patch);
  auto request = parse_vm_request(wanted.dump());
  if (!request) return call.refuse(422, request.error().message);
  request->name = call.name;
  auto spec = call.api.fleet.resolve_lasting(*request);
  if (!spec) return call.refuse(spec.error());
  if (const auto changed = vm->change(std::move(*request), std::move(*spec)); !changed)
    return call.refuse(changed.error());
  call.answer(200, to_json(*vm));
}

void delete_vm(const ApiCall& call) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  const auto remove = [call] {
    if (call.api.fleet.find(call.name) == nullptr) return call.answer(200, "{}");
    if (const auto removed = call.api.fleet.remove(call.name); !removed) return call.refuse(removed.error());
    call.answer(200, "{}");
  };
  if (vm->is_resting()) return remove();
  if (!call.has_flag("force"))
    return call.refuse(409, concat("cannot delete ", call.name, ": it is ", vm->state_name(),
                                   "; stop it first, or delete it with force=1"));
  if (const auto stopped = vm->stop(StopForce::immediate); !stopped) return call.refuse(stopped.error());
  when_stopped(call, *vm, remove);
}

void start_vm(const ApiCall& call) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  // A VM that runs is what was asked for.
  if (vm->is_resting()) {
    if (const auto started = vm->start(); !started) return call.refuse(started.error());
  } else if (!vm->record().is_wanted) {
    return call.refuse(409, concat("cannot start ", call.name, ": it is ", vm->state_name()));
  }
  call.answer(202, to_json(*vm));
}

void stop_vm(const ApiCall& call) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  if (const auto stopped = vm->stop(force_of(call)); !stopped) return call.refuse(stopped.error());
  if (!call.has_flag("wait")) return call.answer(202, to_json(*vm));
  when_stopped(call, *vm, [call] { answer_with(call, 200, call.name); });
}

void restart_vm(const ApiCall& call) {
  ManagedVm* const vm = find(call);
  if (vm == nullptr) return;
  if (const auto stopped = vm->stop(force_of(call)); !stopped) return call.refuse(stopped.error());
  when_stopped(call, *vm, [call] {
    ManagedVm* const rested = call.api.fleet.find(call.name);
    if (rested == nullptr) return call.refuse(404, concat("there is no VM ", call.name));
    if (const auto started = rested->start(); !started) return call.refuse(started.error());
    call.answer(202, to_json(*rested));
  });
}

void pause_vm(const ApiCall& call) { pass_on(call, "/v1/pause"); }
void resume_vm(const ApiCall& call) { pass_on(call, "/v1/resume"); }

void wait_for_vm(const ApiCall& call) {
  if (find(call) == nullptr) return;
  const auto name = call.target.find("for").value_or("healthy");
  const auto goal = parse_goal(name);
  if (!goal)
    return call.refuse(422, concat("cannot wait for `", printable(name),
                                   "`: it is none of started, ready, healthy, stopped"));
  Duration limit = usual_patience;
  if (const auto text = call.target.find("timeout")) {
    const auto given = parse_duration(*text);
    if (!given)
      return call.refuse(422, concat("cannot wait for `", printable(*text), "`: it is no length of time"));
    limit = std::min(*given, longest_patience);
  }
  call.api.waits.wait(call.name, *goal, limit, [call](const Result<void>& reached) {
    if (!reached) return call.refuse(reached.error());
    answer_with(call, 200, call.name);
  });
}

}  // namespace kestrel::hostd
