#include "kestrel/core/service_state.h"

#include <utility>

namespace kestrel::core {

const Process* process_of(const State& state) {
  return std::visit(
      [](const auto& one) -> const Process* {
        if constexpr (requires { one.process; }) {
          return &one.process;
        } else {
          return nullptr;
        }
      },
      state);
}

Process* process_of(State& state) { return const_cast<Process*>(process_of(std::as_const(state))); }

const HookRun* hook_of(const State& state) {
  return std::visit(
      [](const auto& one) -> const HookRun* {
        if constexpr (requires { one.hook; }) {
          return &one.hook;
        } else {
          return nullptr;
        }
      },
      state);
}

HookRun* hook_of(State& state) { return const_cast<HookRun*>(hook_of(std::as_const(state))); }

std::optional<MonotonicTime> deadline_of(const State& state) {
  return std::visit(
      [](const auto& one) -> std::optional<MonotonicTime> {
        if constexpr (requires { one.hook; }) {
          return one.hook.has_timed_out ? std::nullopt : std::optional(one.hook.deadline);
        } else if constexpr (requires { one.deadline; }) {
          return one.deadline;
        } else {
          return std::nullopt;
        }
      },
      state);
}

bool is_active(const State& state) { return process_of(state) != nullptr || hook_of(state) != nullptr; }

bool is_up(const State& state) {
  return std::holds_alternative<PreparingStart>(state) || std::holds_alternative<Starting>(state) ||
         std::holds_alternative<FinishingStart>(state) || std::holds_alternative<Running>(state);
}

bool is_ending(const State& state) {
  return std::holds_alternative<PreparingStop>(state) || std::holds_alternative<Stopping>(state) ||
         std::holds_alternative<CleaningUp>(state);
}

}  // namespace kestrel::core
