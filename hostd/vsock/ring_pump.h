// Moves packets between the two rings and the Muxer until neither has anything to do, and tells the guest so.
#pragma once

#include <cstddef>

#include "hostd/vsock/muxer.h"
#include "hostd/vsock/vhost_session.h"

namespace kestrel::hostd::vsock {

class RingPump {
 public:
  RingPump(VhostSession& session, Muxer& muxer) : session_(session), muxer_(muxer) {}

  /// Does nothing if it is running already: what a callback of the Muxer's brought up is moved by the outer
  /// run(). True if it stopped early, to let others have a turn, and is to be called again.
  [[nodiscard]] bool run();

 private:
  /// How many packets run() moves in one direction at most: a few milliseconds of work, if all are large.
  static constexpr std::size_t packets_per_turn = 128;

  std::size_t take_from_guest(std::size_t limit);
  std::size_t give_to_guest(std::size_t limit);
  static void interrupt(Vring& ring);

  VhostSession& session_;
  Muxer& muxer_;
  Chain chain_;
  bool is_running_ = false;
  bool is_held_up_ = false;  ///< packets of the guest wait until it takes resets
};

}  // namespace kestrel::hostd::vsock
