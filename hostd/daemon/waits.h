// Waiting for a VM to get somewhere, for callers who asked for it to be so.
#pragma once

#include <functional>
#include <list>
#include <string>
#include <string_view>

#include "hostd/daemon/fleet.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

enum class Goal { started, ready, healthy, stopped };
/// nullopt: there is no such goal.
[[nodiscard]] std::optional<Goal> parse_goal(std::string_view name);
[[nodiscard]] std::string_view name_of(Goal goal);

class Waits {
 public:
  Waits(loop::Loop& loop, Fleet& fleet);

  /// `done` is called once, from the loop or at once: when it is so, or never can be so. Error codes:
  /// ETIMEDOUT; ENOENT: the VM was deleted; ECHILD: it ended first.
  void wait(const std::string& vm, Goal goal, Duration limit, std::function<void(Result<void>)> done);

 private:
  struct Wait {
    std::string vm;
    Goal goal;
    std::function<void(Result<void>)> done;
    loop::Timer limit;
  };
  using Iterator = std::list<Wait>::iterator;
  void look(std::string_view vm);
  /// nullopt: not yet.
  [[nodiscard]] std::optional<Result<void>> verdict(const std::string& vm, Goal goal);
  void finish(Iterator wait, Result<void> result);

  loop::Loop& loop_;
  Fleet& fleet_;
  std::list<Wait> waits_;
};

}  // namespace kestrel::hostd
