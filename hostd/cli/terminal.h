// Output to a terminal, a pipe or a file that never stalls the event loop: what cannot be written now waits,
// up to a bound; beyond it lines are dropped and counted. The descriptor's flags are left alone, for others
// share it.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

/// What can be shown on a descriptor.
struct Style {
  /// A person looks at it: live lines make sense, control characters of strangers must not get through.
  bool is_interactive = false;
  /// Interactive, and neither NO_COLOR nor TERM=dumb says otherwise.
  bool has_colours = false;
};
[[nodiscard]] Style style_of(int fd);

class Terminal {
 public:
  Terminal(loop::Loop& loop, int fd);
  /// Waits a little for what is queued.
  ~Terminal();
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;

  void write(std::string_view text);
  [[nodiscard]] const Style& style() const { return style_; }

 private:
  void flush();
  [[nodiscard]] bool is_writable(int wait_ms) const;

  int fd_;
  Style style_;
  bool is_broken_ = false;
  std::string queue_;
  std::size_t dropped_ = 0;
  loop::Timer retry_;
};

}  // namespace kestrel::hostd
