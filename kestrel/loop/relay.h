// Carries bytes between two sockets, in both directions, until both ends have said all they had to say.
//
// Each direction is on its own: the end of one is passed on as a half close while the other goes on. What one
// side does not take holds up reading from the other, so that no more is kept than one piece per direction;
// the pieces are read into a buffer that all relays share.
//
// While whole pieces come, a TCP connection sends whole segments only. The few bytes by which a piece is
// longer than its segments would be one of their own, and cost the other side as much as a whole one.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::loop {

/// As large as it is because, on one processor, each piece costs two changes of process.
using RelayBuffer = std::array<char, 256 * 1024>;

class Relay {
 public:
  /// A connected non-blocking socket, and bytes that are to be written to it first.
  struct Side {
    sys::UniqueFd socket;
    std::string first_bytes;
  };
  /// `buffer` is used only inside callbacks. `on_end` is called once, from the loop; the relay must survive
  /// it.
  Relay(Loop& loop, RelayBuffer& buffer, Side left, Side right, std::function<void(Relay&)> on_end);
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

 private:
  struct Flow {
    int from = -1;
    int to = -1;
    std::string rest;      ///< what `to` has not taken yet
    bool has_end = false;  ///< nothing more comes from `from`
    bool is_over = false;
    bool can_cork = true;  ///< as far as is known
    bool is_corked = false;
  };

  void handle(Interest ready, Flow& readable, Flow& writable);
  void carry(Flow& flow);
  [[nodiscard]] bool step(Flow& flow);
  [[nodiscard]] bool fill(Flow& flow);
  [[nodiscard]] bool drain(Flow& flow, std::string_view bytes);
  void watch();

  RelayBuffer* buffer_;
  sys::UniqueFd left_;
  sys::UniqueFd right_;
  Flow rightward_;
  Flow leftward_;
  std::function<void(Relay&)> on_end_;
  FdWatcher left_watcher_;
  FdWatcher right_watcher_;
};

}  // namespace kestrel::loop
