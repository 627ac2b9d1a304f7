// The file that a service's lines are appended to, one a line, as they were printed:
//   2026-01-31T12:00:00.000Z stdout the line
//
// A file that would grow beyond its size becomes FILE.1, FILE.1 becomes FILE.2 and so on up to FILE.<keep>,
// and a new one begins. What cannot be written (a full disk, a folder that is gone) is counted and lost;
// nobody waits for it. It is tried again after a second. One warning tells when that begins, one when it is
// over. A file that somebody else has moved away, removed or cut is noticed within a second, too.
//
// Writing to a regular file is synchronous: batches are small.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/config/model.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/fd.h"

namespace kestrel::app {

class LogFile {
 public:
  using Clock = std::function<MonotonicTime()>;

  /// Nothing is created or opened before the first line. A new file has mode 0640; its folder is made where
  /// it is missing. `path` may not be a link, nor anything else than a regular file: whoever may write to the
  /// folder could lead us anywhere.
  LogFile(std::string path, config::Rotation rotation, Clock clock = sys::monotonic_now);
  LogFile(const LogFile&) = delete;
  LogFile& operator=(const LogFile&) = delete;
  ~LogFile();

  /// Lines that were printed at one time to one stream. They are in the file when the batch is gone.
  class Batch {
   public:
    Batch(LogFile& file, WallTime time, control::LogStream stream);
    Batch(const Batch&) = delete;
    Batch& operator=(const Batch&) = delete;
    ~Batch() { write(); }

    /// `line` is without a newline and not longer than control::longest_log_line.
    void add(std::string_view line);

   private:
    void write();

    LogFile* file_;
    std::string prefix_;
    std::size_t used_ = 0;
    std::array<char, 128 * 1024> text_;
  };

  /// Counts from the next line on.
  void set_rotation(config::Rotation rotation) { rotation_ = rotation; }

  /// Lines that could not be written, since the beginning.
  [[nodiscard]] std::uint64_t lost() const { return lost_; }

 private:
  void append(std::string_view lines);
  [[nodiscard]] Result<std::size_t> append_some(std::string_view lines);
  [[nodiscard]] Result<std::size_t> write_whole_lines(std::string_view lines);
  [[nodiscard]] Result<void> make_ready();
  [[nodiscard]] Result<void> open();
  [[nodiscard]] bool is_in_place();
  [[nodiscard]] Result<void> rotate();
  void lose(std::string_view lines);
  void recover();

  std::string path_;
  config::Rotation rotation_;
  Clock clock_;
  sys::UniqueFd file_;
  std::uint64_t size_ = 0;
  MonotonicTime check_at_{};
  MonotonicTime retry_at_{};
  std::uint64_t lost_ = 0;
  std::uint64_t lost_now_ = 0;  ///< since it fails; 0: it does not
};

}  // namespace kestrel::app
