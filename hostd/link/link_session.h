// One connection of a guest to the host's port: the HTTP upgrade, then messages. Whatever the guest sends,
// nothing worse than the end of this session can come of it: heads, lines and the time for the handshake are
// bounded.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/wire/http.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

struct LinkSessionCallbacks {
  /// The upgrade was asked for: nullopt accepts it, a text refuses it with 409.
  std::function<std::optional<std::string>()> on_upgrade;
  /// After the upgrade. The first message is a hello, and no later one is.
  std::function<void(const wire::GuestMessage&)> on_message;
  /// Everything that has arrived so far has been handed out: time to acknowledge it.
  std::function<void()> on_batch_end;
  /// Once, and last. The session must not be destroyed inside it, for it may be on the stack: post() that.
  std::function<void(std::string_view reason)> on_end;
};

class LinkSession {
 public:
  /// `handshake_limit`: the time until its hello.
  LinkSession(loop::Loop& loop, sys::UniqueFd connection, Duration handshake_limit,
              LinkSessionCallbacks callbacks);

  void send(const wire::HostMessage& message);
  /// Acknowledgements are cumulative: while the guest does not take the last one, only the newest is kept.
  void acknowledge(const wire::Ack& ack);
  /// As if the guest had closed it.
  void close(std::string_view reason) { end(reason); }

 private:
  enum class State { upgrading, greeting, established, ended };

  void receive(std::string_view bytes);
  [[nodiscard]] bool upgrade(std::string_view bytes, std::string& rest);
  void take_lines(std::string_view bytes);
  [[nodiscard]] bool take_message(const std::string& line);
  void flush_ack();
  void end(std::string_view reason);

  LinkSessionCallbacks callbacks_;
  State state_ = State::upgrading;
  wire::RequestReader request_;
  wire::LineReader lines_;
  std::optional<wire::Ack> waiting_ack_;
  loop::Timer handshake_limit_;
  loop::Stream stream_;
};

}  // namespace kestrel::hostd
