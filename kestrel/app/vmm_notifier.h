// Tells a VMM how its guest is, in the words of sd_notify(3): what systemd as PID 1 does where the credential
// `vmm.notify_socket` says so, and what systemd-vmspawn and others wait for. It needs nothing else of
// Kestrel's host.
//
// Each message has a connection of its own: it is sent, the guest's half is closed, and when the other side
// closes, too, it has been read. Messages go one after another. One that cannot be delivered is given up.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "kestrel/app/notify_target.h"
#include "kestrel/control/journal.h"
#include "kestrel/core/effects.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"

namespace kestrel::app {

class VmmNotifier {
 public:
  /// Starts a connect() to the VMM.
  using Dial = std::function<Result<sys::UniqueFd>()>;

  /// Follows `events`, which outlives it, from the first one on.
  VmmNotifier(loop::Loop& loop, Dial dial, control::EventJournal& events);
  VmmNotifier(const VmmNotifier&) = delete;
  VmmNotifier& operator=(const VmmNotifier&) = delete;

  /// The last word; `done` is called, from the loop, when it has been delivered or cannot be, after `limit`
  /// at the latest.
  void close(int status, core::PowerAction action, std::function<void()> done, Duration limit = seconds(2));

 private:
  struct Idle {};
  struct Dialling {
    loop::Connector connector;
  };
  /// Sent; the VMM has not closed its half yet.
  struct Sending {
    loop::Stream stream;
    loop::Timer limit;
  };

  void read_events();
  void send(std::string message);
  void forget_a_status();
  void go_on();
  void deliver(sys::UniqueFd socket);
  void finish_message(const Error* error);

  loop::Loop* loop_;
  Dial dial_;
  control::EventJournal* events_;
  std::uint64_t read_through_ = 0;
  std::deque<std::string> queue_;  ///< the first one is under way unless it is idle
  std::variant<Idle, Dialling, Sending> state_;
  bool has_failed_ = false;
  std::function<void()> done_;
  loop::Timer read_timer_;
  loop::Timer next_timer_;
  loop::Timer close_limit_;
  control::Follower follower_;
};

/// How to reach it.
[[nodiscard]] VmmNotifier::Dial dial_of(const NotifyTarget& target);

/// What an event is worth telling; nullopt: nothing.
[[nodiscard]] std::optional<std::string> notification_of(const control::EventRecord& event);
[[nodiscard]] std::string exit_notification(int status, core::PowerAction action);

}  // namespace kestrel::app
