// Reads what a process prints into the log, a line a record.
#pragma once

#include <functional>
#include <string_view>

#include "kestrel/base/result.h"
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
  /// Sees each line as well; optional.
  std::function<void(control::LogSource, control::LogStream, std::string_view line)> echo;
};

/// The reading end of one stream of one process. Destroying it drains what lies in the pipe and ends the last
/// line.
class Capture {
 public:
  Capture() = default;
  Capture(loop::Loop& loop, sys::UniqueFd reader, control::LogStream stream, CaptureTarget target);
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  ~Capture();

 private:
  enum class ReadResult { more, drained, ended };
  ReadResult read_some();
  void take(std::string_view line);

  sys::UniqueFd reader_;
  control::LogStream stream_ = control::LogStream::standard_output;
  CaptureTarget target_;
  control::LineCutter cutter_;
  loop::FdWatcher watcher_;
};

struct CapturePipe {
  sys::UniqueFd reader;
  sys::UniqueFd writer;  ///< for the child
};
[[nodiscard]] Result<CapturePipe> open_capture_pipe();

}  // namespace kestrel::app
