// The guest's serial console, as a sequence of lines: finds kernel panics, and remembers the end for whoever
// asks why.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace kestrel::hostd {

class Console {
 public:
  /// Takes what the console printed, in any pieces. Returns a panic's line when one is complete for the first
  /// time.
  [[nodiscard]] std::optional<std::string> feed(std::string_view bytes);
  /// The VMM ended: what has no newline yet is a line too.
  [[nodiscard]] std::optional<std::string> finish();

  [[nodiscard]] bool has_spoken() const { return has_spoken_; }
  /// The last lines, as they came but without line ends; they may hold anything, terminal control included.
  [[nodiscard]] const std::deque<std::string>& last_lines() const { return last_lines_; }

 private:
  [[nodiscard]] std::optional<std::string> end_line();

  std::string partial_;
  std::deque<std::string> last_lines_;
  bool has_spoken_ = false;
  bool has_panicked_ = false;
};

}  // namespace kestrel::hostd
