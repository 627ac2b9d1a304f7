#include "hostd/daemon/waits.h"

#include <array>
#include <cerrno>
#include <memory>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::array goals = {
    std::pair{std::string_view("started"), Goal::started},
    std::pair{std::string_view("ready"), Goal::ready},
    std::pair{std::string_view("healthy"), Goal::healthy},
    std::pair{std::string_view("stopped"), Goal::stopped},
};

/// How far a running VM has come.
bool has_reached(Goal goal, std::string_view state) {
  if (state == "healthy") return goal != Goal::stopped;
  if (state == "ready" || state == "unhealthy") return goal == Goal::started || goal == Goal::ready;
  return false;
}

}  // namespace

std::optional<Goal> parse_goal(std::string_view name) {
  for (const auto& [each, goal] : goals) {
    if (each == name) return goal;
  }
  return std::nullopt;
}

std::string_view name_of(Goal goal) {
  for (const auto& [name, each] : goals) {
    if (each == goal) return name;
  }
  return {};
}

Waits::Waits(loop::Loop& loop, Fleet& fleet) : loop_(loop), fleet_(fleet) {
  fleet_.on_change([this](ManagedVm& vm) {
    if (waits_.empty()) return;
    loop_.post([this, name = vm.record().name] { look(name); });
  });
}

std::optional<Result<void>> Waits::verdict(const std::string& name, Goal goal) {
  ManagedVm* const vm = fleet_.find(name);
  if (vm == nullptr) return Error{concat(name, " was deleted"), ENOENT};
  if (!vm->is_resting()) {
    // `starting` is said before the guest's hello and behind it; a VM has started when the guest has.
    if (goal == Goal::started && vm->state_name() == "starting" && vm->status() && vm->status()->has_guest)
      return Result<void>();
    if (has_reached(goal, vm->state_name())) return Result<void>();
    return std::nullopt;
  }
  if (goal == Goal::stopped) return Result<void>();
  const auto& outcome = vm->record().run.outcome;
  if (!outcome) return Error{concat(name, " is not running"), ECHILD};
  return Error{concat(name, " ended with status ", outcome->status, outcome->message.empty() ? "" : ": ",
                      outcome->message),
               ECHILD};
}

void Waits::wait(const std::string& vm, Goal goal, Duration limit, std::function<void(Result<void>)> done) {
  if (auto known = verdict(vm, goal)) return done(*std::move(known));
  const auto wait = waits_.insert(waits_.end(), Wait{vm, goal, std::move(done), {}});
  wait->limit = loop::Timer(loop_, [this, wait, limit] {
    finish(wait, Error{concat(wait->vm, " is not ", name_of(wait->goal), " after ", format_duration(limit)),
                       ETIMEDOUT});
  });
  wait->limit.arm(limit);
}

void Waits::finish(Iterator wait, Result<void> result) {
  // The timer in it may be what calls.
  const auto over = std::make_shared<std::list<Wait>>();
  over->splice(over->end(), waits_, wait);
  over->front().done(std::move(result));
  loop_.post([over] {});
}

void Waits::look(std::string_view vm) {
  // What is done about one may end others.
  for (auto next = waits_.begin(); next != waits_.end();) {
    const auto wait = next++;
    if (wait->vm != vm) continue;
    auto known = verdict(wait->vm, wait->goal);
    if (!known) continue;
    finish(wait, *std::move(known));
    next = waits_.begin();
  }
}

}  // namespace kestrel::hostd
