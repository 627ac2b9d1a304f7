// The guest's network: sets it up as the configuration and the kernel's command line ask.
#pragma once

#include <functional>
#include <memory>

#include "kestrel/app/leased_address.h"
#include "kestrel/config/model.h"
#include "kestrel/control/journal.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/kernel_command_line.h"

namespace kestrel::app {

class GuestNetwork {
 public:
  /// `events` must outlive it.
  GuestNetwork(loop::Loop& loop, control::EventJournal& events);

  /// `then` is called when the network is as far as the services may wait for it: at once, or, where an
  /// address has to be leased, from the loop when there is one, at the latest after ten seconds. A lease is
  /// asked for and prolonged as long as this object lives. What fails is logged; a guest without a network
  /// goes on.
  void configure(const config::Network& network, const sys::KernelParameters& parameters,
                 std::function<void()> then);

  /// Gives a leased address back; `then` is not called any more.
  void end();

 private:
  void tell_failure(const Error& failure);
  void lease(LeaseOptions options, std::function<void()> then);
  void go_on();

  loop::Loop* loop_;
  control::EventJournal* events_;
  std::unique_ptr<LeasedAddress> leased_;
  loop::Timer patience_;
  std::function<void()> then_;  ///< until it was called
};

}  // namespace kestrel::app
