// A client's connection to its exec: frames in, frames out, and signs of life.
//
// It always reads, so that a client's going is noticed whatever the program does; what may come of input is
// bounded by its window. It is *clear* when everything it was given is on its way. Output is given to it only
// then: so a client that does not read holds up its program, and costs one batch.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "kestrel/control/frame_batch.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/stream_frames.h"

namespace kestrel::control {

class ExecLink {
 public:
  struct Callbacks {
    std::function<void(const wire::Frame&)> on_frame;
    std::function<void()> on_clear;  ///< after it was not
    /// Nothing follows. It is still running: it is to be destroyed later.
    std::function<void()> on_over;
  };

  /// `head` goes before all frames. `pool` outlives it.
  ExecLink(loop::Loop& loop, BatchPool& pool, sys::UniqueFd socket, std::string head, Callbacks callbacks);
  ExecLink(const ExecLink&) = delete;
  ExecLink& operator=(const ExecLink&) = delete;

  /// What came before the socket was taken over.
  void receive(std::string_view bytes);

  /// Goes behind all that was given before.
  void send(wire::FrameType type, std::string_view payload = {}, std::uint8_t flags = 0);
  [[nodiscard]] bool is_clear() const { return !is_over_ && !batch_ && control_.empty(); }
  /// To be filled while it is clear, and then flushed.
  [[nodiscard]] FrameBatch& batch();
  void flush();
  /// That was all: closed once it is sent and the client has closed, or a second after it could have.
  void finish();
  /// All of it went out, the last frame included.
  [[nodiscard]] bool is_all_sent() const { return is_all_sent_; }
  /// At once; nobody is called back any more.
  void close();

 private:
  void handle_ready(loop::Interest ready);
  void read_some();
  void turn();
  [[nodiscard]] std::size_t send_now(std::string_view bytes);
  void watch();
  void end();

  loop::Loop* loop_;
  BatchPool* pool_;
  sys::UniqueFd socket_;
  Callbacks callbacks_;
  wire::FrameReader reader_;
  wire::Keepalive keepalive_;
  std::unique_ptr<FrameBatch> batch_;  ///< while there is something in it
  std::string control_;                ///< behind the batch
  bool is_finishing_ = false;
  bool is_all_sent_ = false;
  bool is_over_ = false;
  loop::FdWatcher watcher_;
  loop::Timer timer_;  ///< signs of life; once all is sent, the client's time to close
};

}  // namespace kestrel::control
