// Cuts what a process prints into lines.
//
// A line is what precedes a newline, or `longest_log_line` bytes where none comes: then it is split, before a
// UTF-8 character rather than inside one. What is left without a newline is kept until more comes or the
// stream ends.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace kestrel::control {

/// A promise of the API: docs/api.md.
inline constexpr std::size_t longest_log_line = 16 * 1024;

class LineCutter {
 public:
  /// Calls `take(std::string_view)` for each line that is complete; the views live during the call.
  template <typename Take>
  void feed(std::string_view bytes, Take&& take);
  /// The stream ended: what is left is a line, too.
  template <typename Take>
  void finish(Take&& take);

  /// Kept for the line that is not complete yet.
  [[nodiscard]] std::size_t pending_bytes() const { return partial_.size(); }

 private:
  static constexpr std::size_t none = std::string_view::npos;
  /// Takes the first line and its newline off the front of `bytes`: how long it is, or none if it is not
  /// complete.
  [[nodiscard]] static std::size_t cut(std::string_view& bytes);
  /// Moves what belongs to the line under way from `bytes` to the partial one. How much of that is then a
  /// complete line, or none; what is behind it begins the next line.
  [[nodiscard]] std::size_t extend_partial(std::string_view& bytes);

  /// Most streams are idle most of the time, so what is not needed goes back at once: an assignment would
  /// keep it.
  void drop_partial(std::size_t length) { std::string(partial_, length).swap(partial_); }

  std::string partial_;
};

template <typename Take>
void LineCutter::feed(std::string_view bytes, Take&& take) {
  while (!partial_.empty() && !bytes.empty()) {
    const std::size_t length = extend_partial(bytes);
    if (length == none) return;
    take(std::string_view(partial_).substr(0, length));
    drop_partial(length);
  }
  if (bytes.empty()) return;
  const char* line = bytes.data();
  for (std::size_t length = cut(bytes); length != none; length = cut(bytes)) {
    take(std::string_view(line, length));
    line = bytes.data();
  }
  partial_.assign(bytes);
}

template <typename Take>
void LineCutter::finish(Take&& take) {
  if (!partial_.empty()) take(std::string_view(partial_));
  drop_partial(partial_.size());
}

}  // namespace kestrel::control
