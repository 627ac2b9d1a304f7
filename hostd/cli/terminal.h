// Output to a terminal, a pipe or a file that never stalls the event loop: what cannot be written now waits,
// up to a bound; beyond it lines are dropped and counted. The descriptor's flags are left alone, for others
// share it.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/output_style.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

class Terminal {
 public:
  Terminal(loop::Loop& loop, int fd);
  /// Waits a little for what is queued.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void write(std::string_view text);
  [[nodiscard]] const OutputStyle& style() const { return style_; }

 private:
  void flush();
  [[nodiscard]] bool is_writable(int wait_ms) const;

  int fd_;
  OutputStyle style_;
  bool is_broken_ = false;
  std::string queue_;
  std::size_t dropped_ = 0;
  loop::Timer retry_;
};

}  // namespace kestrel::hostd
