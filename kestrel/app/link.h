// The guest's end of the link (wire/link_messages.h): dials the host, greets, sends events and log lines, and
// tells the host how it all ended. A connection that is lost is dialled again; what was not acknowledged is
// sent again.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <variant>

#include "kestrel/base/result.h"
#include "kestrel/control/journal.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/http.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::app {

class Link {
 public:
  struct Callbacks {
    std::function<wire::Hello()> make_hello;  ///< for each connection afresh
    std::function<void(const wire::Welcome&)> on_welcome;
    /// The guest stood still; what it makes of that is told to the host. Optional.
    std::function<wire::ResumedReport(const wire::Resumed&)> on_resumed;
  };
  /// How long a host may take. None of these costs anything while there is nothing to wait for.
  struct Timing {
    Duration connect = seconds(3);
    Duration greeting = seconds(5);  ///< one that accepts must also greet
    Duration silence = seconds(15);  ///< and from time to time say something, while it owes acknowledgements
    Duration first_retry = milliseconds(50);
    Duration slowest_retry = seconds(2);
  };
  /// Starts a connect() to the host.
  using Dial = std::function<Result<sys::UniqueFd>()>;

  Link(loop::Loop& loop, Dial dial, control::EventJournal& events, control::LogRing& logs,
       Callbacks callbacks, Timing timing);
  Link(loop::Loop& loop, Dial dial, control::EventJournal& events, control::LogRing& logs,
       Callbacks callbacks)
      : Link(loop, std::move(dial), events, logs, std::move(callbacks), Timing{}) {}
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  /// Dials; from now on there is a connection, or one is being tried for.
  void open();
  /// Sends what is still to be sent, then `exiting`; `done` is called when the host has acknowledged it, or
  /// when it has acknowledged nothing for `patience`, or not all within `limit`: then with false.
  struct Patience {
    Duration patience;
    Duration limit = seconds(30);
  };
  void close(const wire::Exiting& exiting, Patience patience, std::function<void(bool is_acknowledged)> done);

  [[nodiscard]] bool is_up() const { return std::holds_alternative<Up>(state_); }
  /// Events and log lines that the host has not acknowledged.
  [[nodiscard]] std::uint64_t unacknowledged() const;
  /// What has been handed to the connection and not been taken by it: bounded, however the host reads.
  [[nodiscard]] std::size_t queued_bytes() const;

 private:
  struct Closed {};
  struct Waiting {
    loop::Timer retry;
  };
  struct Dialling {
    loop::Connector connector;
  };
  /// The upgrade was asked for; `reader` waits for the 101.
  struct Upgrading {
    loop::Stream stream;
    wire::ResponseReader reader;
    loop::Timer limit;
  };
  /// Upgraded; the hello was sent, its welcome not yet received.
  struct Greeting {
    loop::Stream stream;
    wire::LineReader lines;
    loop::Timer limit;
  };
  struct Up {
    loop::Stream stream;
    wire::LineReader lines;
    loop::Timer silence;
  };
  using State = std::variant<Closed, Waiting, Dialling, Upgrading, Greeting, Up>;

  void dial();
  void upgrade(sys::UniqueFd socket);
  void lose(std::string_view why);
  void receive(std::string_view bytes);
  void receive_upgrade(std::string_view bytes);
  void receive_lines(std::string_view bytes);
  void handle(const wire::HostMessage& message);
  void welcome(const wire::Welcome& message);
  void acknowledge(const wire::Ack& ack);
  void answer(const wire::Ping& ping);
  void answer(const wire::Resumed& message);
  void watch_silence();
  void wait_on();
  [[nodiscard]] loop::StreamCallbacks stream_callbacks();
  void pump();
  void pump_events(loop::Stream& stream);
  void pump_logs(loop::Stream& stream);
  void finish(bool is_acknowledged);
  [[nodiscard]] loop::Stream* stream();

  struct Farewell {
    wire::Exiting exiting;
    std::function<void(bool)> done;
    loop::Timer timer;
    Duration patience;
    MonotonicTime limit;
    bool is_sent = false;
  };

  loop::Loop* loop_;
  Dial dial_;
  control::EventJournal* events_;
  control::LogRing* logs_;
  Callbacks callbacks_;
  Timing timing_;
  State state_ = Closed{};
  loop::Timer pump_timer_;
  control::Follower events_follower_;
  control::Follower logs_follower_;
  Duration next_retry_;
  /// Sent on the current connection up to here; set back to what was acknowledged when a connection is lost.
  std::uint64_t sent_events_ = 0;
  control::LogCursor sent_logs_;
  std::uint64_t acknowledged_events_ = 0;
  std::uint64_t acknowledged_logs_ = 0;
  std::optional<Farewell> farewell_;
};

}  // namespace kestrel::app
