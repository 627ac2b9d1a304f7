// When the boot reached which step, since the kernel started.
#pragma once

#include <string>
#include <vector>

#include "kestrel/sys/boot.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::app {

class Timeline {
 public:
  /// Only the first time counts.
  void reached(std::string step) {
    for (const wire::BootStep& known : steps_) {
      if (known.name == step) return;
    }
    const auto at = std::chrono::duration_cast<std::chrono::microseconds>(sys::uptime());
    steps_.push_back({std::move(step), at.count()});
  }
  [[nodiscard]] const std::vector<wire::BootStep>& steps() const { return steps_; }

 private:
  std::vector<wire::BootStep> steps_;
};

}  // namespace kestrel::app
