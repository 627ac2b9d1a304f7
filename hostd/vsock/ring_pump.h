// Moves packets between the two rings and the Muxer until neither has anything to do, and tells the guest so.
//
// A packet that arrives is told at once. That one was taken is told a moment later, or when many were: the
// guest only frees its memory then, and most often it has looked by itself meanwhile, because over
// virtio-mmio one interrupt stands for both rings. That saves an interrupt for each packet the guest sends.
#pragma once

#include <cstddef>

#include "hostd/vsock/muxer.h"
#include "hostd/vsock/vhost_session.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd::vsock {

class RingPump {
 public:
  RingPump(loop::Loop& loop, VhostSession& session, Muxer& muxer)
      : session_(session), muxer_(muxer), patience_(loop, [this] { announce_taken(); }) {}

  /// Does nothing if it is running already: what a callback of the Muxer's brought up is moved by the outer
  /// run(). True if it stopped early, to let others have a turn, and is to be called again.
  [[nodiscard]] bool run();
  /// Tells what was taken and is not told yet. To be called before the rings may stop.
  void announce_taken();

 private:
  /// How many packets run() moves in one direction at most: a few milliseconds of work, if all are large.
  static constexpr std::size_t packets_per_turn = 128;

  void announce_taken_in_time();
  std::size_t take_from_guest(std::size_t limit);
  std::size_t give_to_guest(std::size_t limit);
  static void interrupt(Vring& ring);

  VhostSession& session_;
  Muxer& muxer_;
  Chain chain_;
  loop::Timer patience_;
  bool is_running_ = false;
  bool is_held_up_ = false;  ///< packets of the guest wait until it takes resets
};

}  // namespace kestrel::hostd::vsock
