#include "hostd/cli/copy_progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/output_style.h"

namespace kestrel::hostd {

namespace {

constexpr Duration first_after = milliseconds(700);
constexpr Duration then_every = milliseconds(100);
constexpr std::size_t bar_width = 24;
constexpr std::string_view erase_line = "\r\033[K";

std::size_t terminal_width() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

std::string rate_text(Bytes done, Duration elapsed) {
  const auto ms = static_cast<std::uint64_t>(std::max<std::int64_t>(to_ms(elapsed), 1));
  return concat(format_bytes({done.count * 1000 / ms}), "/s");
}

void put(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stderr); }

}  // namespace

std::string format_progress(std::string_view label, Bytes done, std::optional<Bytes> total, Duration elapsed,
                            std::size_t width) {
  std::string amount =
      concat(format_bytes(done), "  ", rate_text(done, elapsed), "  ", format_elapsed(elapsed));
  if (total && total->count > 0) {
    const std::uint64_t part = std::min(done.count, total->count);
    const std::size_t filled = static_cast<std::size_t>(part * bar_width / total->count);
    amount = concat("[", std::string(filled, '#'), std::string(bar_width - filled, ' '), "] ",
                    part * 100 / total->count, "%  ", format_bytes(done), " of ", format_bytes(*total), "  ",
                    rate_text(done, elapsed));
  }
  const std::string line = concat(printable(label), "  ", amount);
  if (line.size() <= width) return line;
  // The numbers matter more than the name.
  return amount.substr(0, width);
}

CopyProgress::CopyProgress(std::string label, bool is_quiet)
    : label_(std::move(label)),
      is_shown_anywhere_(!is_quiet && sys::output_style_of(STDERR_FILENO).is_interactive),
      begin_(sys::monotonic_now()),
      next_(begin_ + first_after) {}

CopyProgress::~CopyProgress() { hide(); }

void CopyProgress::show(Bytes done, std::optional<Bytes> total) {
  if (!is_shown_anywhere_) return;
  const MonotonicTime now = sys::monotonic_now();
  if (now < next_) return;
  next_ = now + then_every;
  has_line_ = true;
  put(concat(erase_line, format_progress(label_, done, total, now - begin_, terminal_width() - 1)));
}

void CopyProgress::hide() {
  if (std::exchange(has_line_, false)) put(erase_line);
}

}  // namespace kestrel::hostd
