// One connection to the API: requests in, answers out, in order, one at a time.
//
// It is always in one of eight states. Reading: it waits for a request, or has a part of one; a parser exists
// only in the latter case, so an idle connection holds next to nothing. Streaming: it sends a body that is
// made while it is sent, and makes more only as far as the peer reads. Working: a request is carried out
// piece by piece, first with the pieces of its body. Refusing: it has answered before the body was complete,
// and lets the rest of it come, so that the answer is read. Connecting: it is about to become a tunnel.
// Connected: it will be one as soon as earlier answers are on their way. Pending: its answer is not there
// yet, or will take it over as soon as earlier ones are on their way. Closed: it waits to be destroyed.
// What the peer sends while an answer is under way waits in `input_`, bounded by not reading on.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "kestrel/control/answer.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/relay.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"

namespace kestrel::control {

struct ConnectionLimits {
  Bytes body = kibibytes(64);
  Duration request = seconds(10);  ///< from the first byte of a request to its last
  Duration connect = seconds(5);   ///< a tunnel's connect()
  /// How long nothing may come of a body that is taken in pieces: whoever makes it may have to think.
  Duration pause = minutes(5);
  /// As long as this much of an answer has not been taken, no more is made.
  std::size_t queued = 64 * 1024;
};

class Connection;

/// What a connection needs of the server.
class ConnectionOwner {
 public:
  [[nodiscard]] virtual Guest& guest() = 0;
  /// Whether a request from the host may be answered.
  [[nodiscard]] virtual bool may_call(const wire::Request& request) const = 0;
  /// The connection is over. It is still running: it is to be destroyed later.
  virtual void retire(Connection& connection) = 0;
  /// The two ends of a tunnel that the connection became.
  virtual void start_relay(loop::Relay::Side client, loop::Relay::Side target) = 0;

 protected:
  ~ConnectionOwner() = default;
};

class Connection {
 public:
  /// `is_authenticated`: requests need not prove that they may call.
  Connection(loop::Loop& loop, ConnectionOwner& owner, const ConnectionLimits& limits, sys::UniqueFd socket,
             bool is_authenticated);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

 private:
  struct Reading {
    std::optional<wire::RequestReader> reader;
  };
  struct Streaming {
    std::unique_ptr<BodySource> source;
    Follower follower;
    bool is_chunked = true;
    bool keep_alive = true;
  };
  struct Working {
    std::unique_ptr<Work> work;
    wire::RequestReader reader;  ///< of the body, which may be complete
    bool keep_alive = true;
  };
  struct Refusing {};
  struct Connecting {
    loop::Connector connector;
    OpenTunnel tunnel;
    std::size_t tried = 0;
    bool keep_alive = true;
  };
  struct Connected {
    sys::UniqueFd target;
  };
  struct Pending {
    std::unique_ptr<LateAnswer> answer;
    bool keep_alive = true;
    std::optional<std::optional<wire::Response>> outcome = {};  ///< unset until it is there
  };
  struct Closed {};

  void handle_data(std::string_view bytes);
  void handle_end(const Error* error);
  void handle_drained();
  void handle_timer();
  /// Continues with whatever the state allows.
  void go_on();

  void read_requests();
  void read_request(std::size_t& used);
  [[nodiscard]] std::optional<wire::Request> take_request(wire::RequestReader& reader, std::size_t& used);
  void adjust_reading();
  void refuse(const Error& error);
  void answer(const wire::Request& request, wire::RequestReader reader);
  void send(wire::Response response, const wire::Request& request);
  void respond(const wire::Response& response);
  void refuse_body(wire::Response response);

  void start_streaming(std::unique_ptr<BodySource> source, const wire::Request& request);
  void pump();
  void send_piece(BodyPiece piece, bool is_chunked);
  void finish_streaming();

  void start_working(Working working, const wire::Request& request);
  [[nodiscard]] bool is_in_body() const;
  [[nodiscard]] std::size_t take_body(std::string_view bytes);
  void work_on();
  void finish_working(wire::Response response);

  void connect_tunnel(Connecting connecting);
  void handle_connected(Result<sys::UniqueFd> target);
  void become_tunnel();

  void await(std::unique_ptr<LateAnswer> late, const wire::Request& request);
  void conclude_pending();
  void hand_over();

  void close();

  loop::Loop* loop_;
  ConnectionOwner* owner_;
  const ConnectionLimits* limits_;
  loop::Stream stream_;
  loop::Timer timer_;  ///< reading: the request must be complete; streaming, working: it goes on
  std::variant<Reading, Streaming, Working, Refusing, Connecting, Connected, Pending, Closed> state_;
  std::string input_;
  bool is_authenticated_;
  bool has_ended_ = false;  ///< the peer will send no more
};

}  // namespace kestrel::control
