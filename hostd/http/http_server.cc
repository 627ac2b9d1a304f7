#include "hostd/http/http_server.h"

#include <algorithm>
#include <variant>

#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd {

namespace {

/// What is on its way to a client before more is made for it.
constexpr std::size_t high_water = 256 * 1024;
/// What a client may send ahead of the answer it waits for.
constexpr std::size_t most_ahead = 64 * 1024;

}  // namespace

class Responder::Target {
 public:
  virtual ~Target() = default;
  virtual void answer(const wire::Response& response) = 0;
  virtual void stream(const wire::Response& head, std::unique_ptr<BodySource> body) = 0;
  virtual void receive(std::unique_ptr<BodySink> body) = 0;
};

void Responder::answer(const wire::Response& response) const {
  if (const auto target = connection_.lock()) target->answer(response);
}

void Responder::stream(const wire::Response& head, std::unique_ptr<BodySource> body) const {
  if (const auto target = connection_.lock()) target->stream(head, std::move(body));
}

void Responder::receive(std::unique_ptr<BodySink> body) const {
  if (const auto target = connection_.lock()) target->receive(std::move(body));
}

/// One client. It is *reading* a request, *receiving* its body in pieces, *waiting* for its answer, *sending*
/// a body that is made as it is taken, or *gone*, which its last reference outlives a little.
class HttpServer::Connection final : public Responder::Target,
                                     public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer& server, sys::UniqueFd socket, std::shared_ptr<const Guard> guard)
      : server_(server),
        guard_(std::move(guard)),
        requests_(server.limits_.body, [this](auto method, auto target) { return rule_for(method, target); }),
        state_(Reading{false}),
        limit_(server.loop_, [this] { time_out(); }),
        stream_(server.loop_, std::move(socket),
                {.on_data = [this](std::string_view bytes) { receive(bytes); },
                 .on_end = [this](const Error* error) { end(error); },
                 .on_drained = [this] { go_on(); }}) {
    limit_.arm(server.limits_.idle);
    stream_.start_reading();
  }

  void answer(const wire::Response& response) override {
    const auto* const waiting = std::get_if<Waiting>(&state_);
    if (waiting == nullptr && !std::holds_alternative<Receiving>(state_)) return;
    wire::Response answer = response;
    answer.keep_alive = waiting != nullptr && waiting->keep_alive && !has_ended_ && !requests_.is_in_body();
    stream_.write(wire::serialize(answer));
    conclude(answer.keep_alive);
  }

  void stream(const wire::Response& head, std::unique_ptr<BodySource> body) override {
    if (!std::holds_alternative<Waiting>(state_)) return;
    const bool keep_alive = std::get<Waiting>(state_).keep_alive && !has_ended_;
    stream_.write(wire::serialize_chunked_head(head));
    BodySource& source = *state_.emplace<Sending>(Sending{std::move(body), keep_alive}).body;
    source.on_more([weak = weak_from_this()] {
      if (const auto alive = weak.lock()) alive->go_on();
    });
    go_on();
  }

  void receive(std::unique_ptr<BodySink> body) override {
    if (!std::holds_alternative<Waiting>(state_)) return;
    Waiting waiting = std::get<Waiting>(std::move(state_));
    state_ = Receiving{std::move(body), waiting.keep_alive, std::move(waiting.body_with_head)};
    if (waiting.expects_continue && requests_.is_in_body()) stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
    // What has come of it already is taken when whoever has asked for it has returned.
    server_.loop_.post([weak = weak_from_this()] {
      const auto alive = weak.lock();
      if (alive && std::holds_alternative<Receiving>(alive->state_))
        alive->receive_body(std::exchange(alive->ahead_, {}));
    });
  }

  void finish(std::size_t most_of_body) {
    if (const auto* sending = std::get_if<Sending>(&state_)) {
      std::size_t made = 0;
      for (auto piece = sending->body->read_some(); piece && !piece->empty() && made < most_of_body;
           piece = sending->body->read_some()) {
        made += piece->size();
        stream_.write(wire::chunk(*piece));
      }
      stream_.write(std::string(wire::last_chunk()));
    }
    stream_.close_after_flush();
    let_go();
  }

  /// From now on it calls nobody; what its body reads from may be gone before itself is.
  void let_go() {
    state_ = Gone{};
    limit_.disarm();
    if (stream_.is_open()) stream_.stop_reading();
  }

  void refuse_for_want_of_room() {
    wire::Response response = wire::problem(503, "too many connections: come again later");
    response.keep_alive = false;
    stream_.write(wire::serialize(response));
    stream_.close_after_flush();
  }

 private:
  struct Reading {
    bool has_begun;
  };
  struct Waiting {
    bool keep_alive;
    bool expects_continue;
    std::string body_with_head;  ///< of one that is to be taken in pieces
  };
  struct Receiving {
    std::shared_ptr<BodySink> body;
    bool keep_alive;
    std::string with_head;
  };
  struct Sending {
    std::unique_ptr<BodySource> body;
    bool keep_alive;
  };
  struct Gone {};

  [[nodiscard]] bool takes_in_pieces(std::string_view method, std::string_view target) const {
    return server_.is_in_pieces_ != nullptr && server_.is_in_pieces_(method, target);
  }
  [[nodiscard]] std::optional<wire::BodyRule> rule_for(std::string_view method,
                                                       std::string_view target) const {
    if (!takes_in_pieces(method, target)) return std::nullopt;
    return wire::BodyRule{wire::endless_body, wire::BodyRule::Delivery::in_pieces};
  }

  void receive(std::string_view bytes) {
    if (std::holds_alternative<Receiving>(state_) && ahead_.empty()) return receive_body(bytes);
    ahead_.append(bytes);
    if (can_read()) return read_request(std::exchange(ahead_, {}));
    if (ahead_.size() > most_ahead) server_.drop(*this);
  }
  [[nodiscard]] bool can_read() const {
    return std::holds_alternative<Reading>(state_) && stream_.queued_bytes() < high_water;
  }

  void read_request(std::string_view bytes) {
    auto& reading = std::get<Reading>(state_);
    auto request = requests_.feed(bytes);
    if (!request) return refuse(wire::problem(400, request.error().message));
    if (!*request) {
      if (!bytes.empty() && !std::exchange(reading.has_begun, true)) limit_.arm(server_.limits_.request);
      return;
    }
    limit_.disarm();
    wire::Request& message = **request;
    const bool is_whole = !takes_in_pieces(message.method, message.target);
    state_ = Waiting{message.keep_alive, wire::find_header(message.headers, "Expect") == "100-continue",
                     is_whole ? std::string() : std::move(message.body)};
    if (const auto refusal = (*guard_)(message, stream_.fd())) return answer(*refusal);
    server_.handler_(message, Responder(weak_from_this()));
  }

  void receive_body(std::string_view bytes) {
    // It may answer, and so come to its end, while it takes a piece.
    const std::shared_ptr<BodySink> body = std::get<Receiving>(state_).body;
    const std::string with_head = std::exchange(std::get<Receiving>(state_).with_head, {});
    if (!with_head.empty()) body->take(with_head);
    while (std::holds_alternative<Receiving>(state_) && requests_.is_in_body()) {
      const auto piece = requests_.feed_body(bytes);
      if (!piece) return refuse(wire::problem(400, piece.error().message));
      if (piece->empty()) return limit_.arm(server_.limits_.request);
      body->take(*piece);
    }
    if (!std::holds_alternative<Receiving>(state_)) return;
    limit_.disarm();
    ahead_.append(bytes);
    state_ = Waiting{std::get<Receiving>(state_).keep_alive, false, {}};
    body->finish();
  }

  /// The answer is on its way.
  void conclude(bool keep_alive) {
    if (!keep_alive) {
      stream_.close_after_flush();
      return server_.drop(*this);
    }
    state_ = Reading{false};
    limit_.arm(server_.limits_.idle);
    // The next request may be here already; it is read later, for whoever has answered may still be at work.
    server_.loop_.post([weak = weak_from_this()] {
      if (const auto alive = weak.lock()) alive->go_on();
    });
  }

  /// The client takes more, or there is more for it.
  void go_on() {
    if (auto* sending = std::get_if<Sending>(&state_)) return send_more(*sending);
    if (can_read()) read_request(std::exchange(ahead_, {}));
  }

  void send_more(Sending& sending) {
    while (stream_.queued_bytes() < high_water) {
      const auto piece = sending.body->read_some();
      const bool is_waiting = piece && piece->empty();
      if (is_waiting && !has_ended_) return;
      if (!piece || is_waiting) {
        stream_.write(std::string(wire::last_chunk()));
        return conclude(sending.keep_alive && !has_ended_);
      }
      stream_.write(wire::chunk(*piece));
    }
  }

  void refuse(wire::Response response) {
    response.keep_alive = false;
    stream_.write(wire::serialize(response));
    stream_.close_after_flush();
    server_.drop(*this);
  }

  void time_out() {
    const auto* const reading = std::get_if<Reading>(&state_);
    if (reading == nullptr || reading->has_begun)
      return refuse(wire::problem(408, "the request was not complete in time"));
    server_.drop(*this);
  }

  /// Who says no more may still listen for the answer, of one without an end for what there is of it now.
  void end(const Error* error) {
    has_ended_ = true;
    const bool is_asking =
        std::holds_alternative<Reading>(state_) || std::holds_alternative<Receiving>(state_);
    if (error != nullptr || is_asking) return server_.drop(*this);
    if (auto* sending = std::get_if<Sending>(&state_)) send_more(*sending);
  }

  HttpServer& server_;
  std::shared_ptr<const Guard> guard_;
  wire::RequestReader requests_;
  std::variant<Reading, Receiving, Waiting, Sending, Gone> state_;
  std::string ahead_;
  bool has_ended_ = false;
  loop::Timer limit_;
  loop::Stream stream_;
};

HttpServer::HttpServer(loop::Loop& loop, HttpLimits limits, Handler handler, InPieces is_in_pieces)
    : loop_(loop), limits_(limits), handler_(std::move(handler)), is_in_pieces_(is_in_pieces) {}

HttpServer::~HttpServer() = default;

void HttpServer::listen(sys::UniqueFd socket, Guard guard) {
  listeners_.emplace_back(loop_, std::move(socket),
                          [this, shared = std::make_shared<const Guard>(std::move(guard))](
                              sys::UniqueFd accepted) { take(std::move(accepted), shared); });
}

void HttpServer::take(sys::UniqueFd socket, const std::shared_ptr<const Guard>& guard) {
  auto connection = std::make_shared<Connection>(*this, std::move(socket), guard);
  if (connections_.size() >= limits_.connections) return connection->refuse_for_want_of_room();
  connections_.push_back(std::move(connection));
}

void HttpServer::finish(std::size_t most_of_body) {
  listeners_.clear();
  for (const auto& connection : connections_) connection->finish(most_of_body);
  loop_.post([gone = std::move(connections_)] {});
  connections_.clear();
}

void HttpServer::drop(Connection& connection) {
  // It is on the stack below us.
  const auto gone =
      std::find_if(connections_.begin(), connections_.end(),
                   [&](const std::shared_ptr<Connection>& each) { return each.get() == &connection; });
  if (gone == connections_.end()) return;
  connection.let_go();
  loop_.post([last = std::move(*gone)] {});
  connections_.erase(gone);
}

}  // namespace kestrel::hostd
