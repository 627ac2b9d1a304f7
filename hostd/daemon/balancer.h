// A published port of a deployment: accepts connections, and gives each away to the replica whose turn it is.
// The replica's runner joins it to its guest (runner/handoff.h); nothing of a connection stays here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hostd/vm_spec.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/loop.h"

namespace kestrel::hostd {

class Balancer {
 public:
  /// `targets` names the runtime folders of those that can serve now, in any order.
  using Targets = std::function<std::vector<std::string>()>;
  Balancer(loop::Loop& loop, Targets targets) : loop_(loop), targets_(std::move(targets)) {}

  /// All of them, or none: an error has code EADDRINUSE where one is taken.
  [[nodiscard]] Result<void> open(const std::vector<PublishedPort>& ports);
  [[nodiscard]] bool is_open() const { return !listeners_.empty(); }
  /// With the ports that were picked where 0 was asked for.
  [[nodiscard]] const std::vector<PublishedPort>& ports() const { return ports_; }

 private:
  void give_away(const sys::UniqueFd& connection, std::uint16_t guest_port);

  loop::Loop& loop_;
  Targets targets_;
  std::vector<PublishedPort> ports_;
  std::vector<loop::Listener> listeners_;
  std::size_t turn_ = 0;
};

}  // namespace kestrel::hostd
