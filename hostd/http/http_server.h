// An HTTP/1.1 server on the loop, for the host's own APIs: each request is answered once, now or later, whole
// or as a body that is made at the pace of its reader.
//
// What strangers can make it hold is bounded: so many connections, one request at a time on each, a head and
// a body of limited size that have to be complete in time. A reader that does not take an answer costs that
// answer and no more: what it asks behind it is not looked at meanwhile, and a streamed body is not made.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/time.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/loop.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

/// A body that goes on for as long as its reader takes it.
class BodySource {
 public:
  BodySource() = default;
  BodySource(const BodySource&) = delete;
  BodySource& operator=(const BodySource&) = delete;
  virtual ~BodySource() = default;

  /// The next piece; empty: none for now; nullopt: that was all.
  [[nodiscard]] virtual std::optional<std::string> read_some() = 0;
  /// `wake` is to be called whenever there may be more after there was none. Called once, at the beginning.
  virtual void on_more(std::function<void()> wake) = 0;
};

/// Takes a request's body as it comes, at its own pace: the client waits while it is at work. Destroyed
/// before finish(): the client has gone, or has been answered.
class BodySink {
 public:
  BodySink() = default;
  BodySink(const BodySink&) = delete;
  BodySink& operator=(const BodySink&) = delete;
  virtual ~BodySink() = default;

  /// May answer, which ends the body.
  virtual void take(std::string_view piece) = 0;
  /// That was all. The answer is due, now or later.
  virtual void finish() = 0;
};

/// The right to answer one request. May be kept for later; once the client is gone, answers go nowhere.
class Responder {
 public:
  void answer(const wire::Response& response) const;
  void stream(const wire::Response& head, std::unique_ptr<BodySource> body) const;
  /// Takes the body of a request that comes in pieces. One that is answered without that is not read, and its
  /// connection closed.
  void receive(std::unique_ptr<BodySink> body) const;
  [[nodiscard]] bool is_client_gone() const { return connection_.expired(); }

 private:
  friend class HttpServer;
  class Target;
  explicit Responder(std::weak_ptr<Target> connection) : connection_(std::move(connection)) {}
  std::weak_ptr<Target> connection_;
};

struct HttpLimits {
  std::size_t connections = 2048;  ///< who comes beyond is answered 503
  Bytes body = mebibytes(1);
  Duration request = seconds(10);  ///< from a request's first byte to its last, or between pieces of its body
  Duration idle = minutes(1);      ///< between two requests
};

class HttpServer {
 public:
  using Handler = std::function<void(const wire::Request& request, Responder responder)>;
  /// Why a request is refused before it is handled; nullopt: it is not. `fd` is the client's socket.
  using Guard = std::function<std::optional<wire::Response>(const wire::Request& request, int fd)>;

  /// Whether a request's body is to come in pieces, of any length.
  using InPieces = bool (*)(std::string_view method, std::string_view target);

  HttpServer(loop::Loop& loop, HttpLimits limits, Handler handler, InPieces is_in_pieces = nullptr);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// Serves who connects to a bound, listening socket.
  void listen(sys::UniqueFd socket, Guard guard);
  /// Serves one client that somebody else has let in.
  void take(sys::UniqueFd connection, const std::shared_ptr<const Guard>& guard);
  /// Comes to an end: nobody is let in any more, streamed bodies go on to where they are now, for at most so
  /// many bytes each, and connections are closed when what is on its way has been taken, or some seconds
  /// later.
  void finish(std::size_t most_of_body);
  [[nodiscard]] std::size_t connection_count() const { return connections_.size(); }

 private:
  class Connection;
  friend class Connection;
  void drop(Connection& connection);

  loop::Loop& loop_;
  HttpLimits limits_;
  Handler handler_;
  InPieces is_in_pieces_;
  std::vector<loop::Listener> listeners_;
  std::list<std::shared_ptr<Connection>> connections_;
};

}  // namespace kestrel::hostd
