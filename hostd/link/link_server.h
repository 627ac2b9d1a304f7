// The host's end of the link: listens where the guest's connections to port 1024 of its host arrive, or takes
// them as they come.
//
// One guest has one link. While it stands, further connections are refused (409): whoever came first is the
// guest's init, and no other process of the guest can take its place. But a refused one is reason to ask
// whether the other still lives: a link that does not answer a ping has only its place to lose, and the
// guest's next try has it. A link that was lost is dialled again; what is sent a second time is recognised by
// its number and dropped, but acknowledged.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "hostd/link/link_session.h"
#include "kestrel/loop/listener.h"

namespace kestrel::hostd {

struct LinkCallbacks {
  /// The guest is here (again). The answer greets it; an error is told to it and ends the link.
  std::function<Result<wire::Welcome>(const wire::Hello&)> on_hello;
  // Each of these at most once for what happened once.
  std::function<void(const wire::EventMessage&)> on_event;
  std::function<void(const wire::LogMessage&)> on_log;
  std::function<void(const wire::Gap&)> on_gap;
  /// Not acknowledged by itself: acknowledge_exiting() does.
  std::function<void(const wire::Exiting&)> on_exiting;
  std::function<void(const wire::ResumedReport&)> on_resumed;
  std::function<void(std::string_view reason)> on_lost;
};

struct LinkTiming {
  Duration handshake = seconds(10);  ///< from a connection to its hello
  Duration pong = seconds(5);        ///< from a ping to any sign of life
};

class LinkServer {
 public:
  LinkServer(loop::Loop& loop, LinkCallbacks callbacks, LinkTiming timing = {});

  /// Listens on the Unix socket `path`, which only its owner may use.
  [[nodiscard]] Result<void> listen(const std::string& path);
  /// A connection of the guest's that has arrived elsewhere.
  void accept(sys::UniqueFd socket);
  /// What was received of a boot before this server was there: should that guest dial, it goes on behind it.
  void recall(std::string boot_id, const wire::Ack& received);
  void acknowledge_exiting();
  /// False where nobody would hear it: there is no link, or its protocol does not know it.
  [[nodiscard]] bool send(const wire::Resumed& message);
  [[nodiscard]] bool is_linked() const { return linked_ != nullptr; }

 private:
  struct Connection {
    std::unique_ptr<LinkSession> session;
  };
  using Connections = std::list<Connection>;

  void take(Connections::iterator connection, const wire::GuestMessage& message);
  void greet(Connections::iterator connection, const wire::Hello& hello);
  void challenge();
  void ended(Connections::iterator connection, std::string_view reason);
  /// Whether a numbered message is new.
  [[nodiscard]] static bool advance(std::uint64_t& last, std::uint64_t seq);

  loop::Loop& loop_;
  LinkCallbacks callbacks_;
  LinkTiming timing_;
  loop::Listener listener_;
  Connections connections_;
  LinkSession* linked_ = nullptr;
  int protocol_ = 0;        ///< of that session
  loop::Timer pong_limit_;  ///< armed while that session is asked for a sign of life
  std::string boot_id_;
  wire::Ack received_;  ///< the highest numbers of this boot; `exiting` once the last word may be forgotten
};

}  // namespace kestrel::hostd
