// How far a copy is, as one line of a terminal that is written anew a few times a second and is gone when the
// copy has ended. Short copies show nothing, and so does anything that is no terminal.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// `etc/data  [#####     ]  50%  12 MiB  of 24 MiB  3.1 MiB/s`, without the bar and the rest where the total
/// is not known. At most `width` columns. Pure.
[[nodiscard]] std::string format_progress(std::string_view label, Bytes done, std::optional<Bytes> total,
                                          Duration elapsed, std::size_t width);

class CopyProgress {
 public:
  /// Shown on standard error, if that is a terminal and `is_quiet` is not set.
  CopyProgress(std::string label, bool is_quiet);
  ~CopyProgress();
  CopyProgress(const CopyProgress&) = delete;
  CopyProgress& operator=(const CopyProgress&) = delete;

  void show(Bytes done, std::optional<Bytes> total);
  /// Takes the line away, for something else to be written.
  void hide();

 private:
  std::string label_;
  bool is_shown_anywhere_;
  bool has_line_ = false;
  MonotonicTime begin_;
  MonotonicTime next_;
};

}  // namespace kestrel::hostd
