#include "hostd/vmm/console.h"

#include <utility>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// What is longer is cut into lines of this size.
constexpr std::size_t longest_line = 1024;
constexpr std::size_t remembered_lines = 40;
/// kernel/panic.c.
constexpr std::string_view panic_mark = "Kernel panic - not syncing";

}  // namespace

std::optional<std::string> Console::feed(std::string_view bytes) {
  std::optional<std::string> panic;
  for (const char c : bytes) {
    has_spoken_ = true;
    if (c != '\n' && partial_.size() < longest_line) {
      partial_.push_back(c);
      continue;
    }
    if (auto found = end_line()) panic = std::move(found);
    if (c != '\n') partial_.push_back(c);
  }
  return panic;
}

std::optional<std::string> Console::finish() { return partial_.empty() ? std::nullopt : end_line(); }

std::optional<std::string> Console::end_line() {
  std::string line = std::exchange(partial_, {});
  while (!line.empty() && line.back() == '\r') line.pop_back();
  std::optional<std::string> panic;
  if (const auto at = line.find(panic_mark); at != std::string::npos && !has_panicked_) {
    has_panicked_ = true;
    panic = printable(line.substr(at));
  }
  last_lines_.push_back(std::move(line));
  if (last_lines_.size() > remembered_lines) last_lines_.pop_front();
  return panic;
}

}  // namespace kestrel::hostd
