// A program's standard input: what its client sent and it has not read yet, bounded by the window that the
// client was granted.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::control {

class ExecInput {
 public:
  enum class Kind { pipe, terminal };
  struct Callbacks {
    std::function<void(std::size_t)> on_grant;  ///< so many more bytes may come
    std::function<void()> on_closed;            ///< the program reads no more; what still comes is dropped
  };

  /// `fd` is non-blocking.
  ExecInput(loop::Loop& loop, sys::UniqueFd fd, Kind kind, Callbacks callbacks);
  ExecInput(const ExecInput&) = delete;
  ExecInput& operator=(const ExecInput&) = delete;

  /// A client begins: what it may send. What was granted to the one before counts no more.
  [[nodiscard]] std::size_t open_window();
  /// False: it is more than was granted, and nothing is taken.
  [[nodiscard]] bool write(std::string_view bytes);
  /// End of file, behind what was written: the pipe is closed. A terminal stays open for its output; there it
  /// is the character that means it.
  void end();

 private:
  void flush();
  [[nodiscard]] std::size_t write_now(std::string_view bytes);
  void taken(std::size_t count);
  void close();

  sys::UniqueFd fd_;
  Kind kind_;
  Callbacks callbacks_;
  std::string waiting_;
  std::size_t allowed_ = 0;
  std::size_t owed_ = 0;  ///< taken, and not yet granted anew
  bool has_end_ = false;
  loop::FdWatcher watcher_;
};

}  // namespace kestrel::control
