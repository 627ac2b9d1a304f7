// Output to a terminal, a pipe or a file that never stalls the event loop: what cannot be written now waits,
// up to a bound; beyond it lines are dropped and counted. The descriptor's flags are left alone, for others
// share it.
#pragma once

#include <string>
#include <string_view>

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
  /// A person looks at it: live lines and colours make sense, control characters of strangers must not get
  /// through.
  [[nodiscard]] bool is_interactive() const { return is_interactive_; }
  /// Interactive, and neither NO_COLOR nor TERM=dumb says otherwise.
  [[nodiscard]] bool has_colours() const { return has_colours_; }

 private:
  void flush();
  [[nodiscard]] bool is_writable(int wait_ms) const;

  int fd_;
  bool is_interactive_;
  bool has_colours_;
  bool is_broken_ = false;
  std::string queue_;
  std::size_t dropped_ = 0;
  loop::Timer retry_;
};

}  // namespace kestrel::hostd
