// Reads what a process prints into the log, a line a record.
//
// A turn of the loop reads one piece from a pipe, however much its writer has to say: neither the API nor
// other services wait for a loud one. A piece goes line by line into the ring and, with one write, into the
// service's file. Where the ring must not drop lines and is full of such that nobody has taken
// (control::WhenFull), the pipe is not read until somebody does, and so its writer waits in its write().
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "kestrel/app/log_file.h"
#include "kestrel/base/result.h"
#include "kestrel/control/followers.h"
#include "kestrel/control/line_cutter.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::app {

/// Where captured lines go.
struct CaptureTarget {
  control::LogRing* ring = nullptr;
  control::LogSource source;
  LogFile* file = nullptr;  ///< optional; must outlive the capture
  /// Sees each line as well; optional. It must not lead to another capture's end.
  std::function<void(std::string_view line)> on_line = {};
};

/// The reading end of one stream of one process. Destroying it takes what lies in the pipe at that moment,
/// with or without room for it, and ends the last line; whoever still has the other end writes to nobody.
class Capture {
 public:
  Capture() = default;
  Capture(loop::Loop& loop, sys::UniqueFd reader, control::LogStream stream, CaptureTarget target);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();

  /// From now on lines go to another file, or to none; the bounds of the ring's source may have changed, too.
  void adopt_log(LogFile* file);

 private:
  enum class ReadResult { more, nothing_now, ended };

  void handle_readable();
  [[nodiscard]] ReadResult read_piece(std::size_t most);
  void finish();
  /// Into the ring and the file, the lines that `cut(take)` finds.
  template <typename Cut>
  void record(Cut cut);

  sys::UniqueFd reader_;
  control::LogStream stream_ = control::LogStream::standard_output;
  CaptureTarget target_;
  std::size_t piece_ = 0;
  control::LineCutter cutter_;
  loop::FdWatcher watcher_;
  control::Follower room_;
};

struct CapturePipe {
  sys::UniqueFd reader;
  sys::UniqueFd writer;  ///< for the child
};
[[nodiscard]] Result<CapturePipe> open_capture_pipe();

}  // namespace kestrel::app
