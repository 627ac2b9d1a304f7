// A connected byte stream (Unix, TCP or vsock socket, or a pipe's end), with a write queue and back-pressure.
//
// Reading starts with start_reading() and goes to one read buffer that all streams of a loop share: an idle
// stream costs no buffer. What is written is queued without bound, the caller's duty is to look at
// queued_bytes() and to stop producing (and to go on in on_drained) when a slow reader lets it grow.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::loop {

struct StreamCallbacks {
  std::function<void(std::string_view)> on_data;
  /// The peer will send no more (half close), or the stream broke: then `error` has a code. Called once at
  /// most. A write that fails is told at once, but while reading is on, what the peer had still sent comes
  /// first.
  std::function<void(const Error* error)> on_end;
  /// The queue became empty after it was not; optional.
  std::function<void()> on_drained;
};

class Stream {
 public:
  Stream() = default;
  /// Takes the descriptor; it is made non-blocking. One that cannot be waited for (a regular file) ends with
  /// an error.
  Stream(Loop& loop, sys::UniqueFd fd, StreamCallbacks callbacks);
  Stream(Stream&&) noexcept;
  Stream& operator=(Stream&&) noexcept;
  /// Closes at once; what is still queued is lost. close_after_flush() is the gentle way.
  ~Stream();

  void start_reading();
  void stop_reading();

  /// Never calls back from inside. After shutdown(), and once the stream broke, it goes nowhere.
  void write(std::string data);
  /// The same with bytes that stay where they are; what is not taken at once is copied.
  void write_lent(std::string_view data);
  [[nodiscard]] std::size_t queued_bytes() const;
  /// A write failed. For whoever goes on writing after the peer's half close, when on_end has been used up:
  /// the queue is then dropped, which counts as drained.
  [[nodiscard]] bool is_broken() const;
  /// Half close once the queue is flushed; reading goes on. Sockets only: a pipe's end is closed, not shut.
  void shutdown();
  /// Lets go of the stream: no further callback, the queue is flushed in the background within `limit`, then
  /// it is closed.
  void close_after_flush(Duration limit = seconds(5));

  [[nodiscard]] bool is_open() const { return block_ != nullptr; }
  [[nodiscard]] int fd() const;
  /// Takes the descriptor back (as a duplicate, so not open when the process is out of descriptors), without
  /// callbacks from then on; nothing may be queued. It is non-blocking.
  [[nodiscard]] sys::UniqueFd release();

 private:
  struct Block;
  Block* block_ = nullptr;
};

}  // namespace kestrel::loop
