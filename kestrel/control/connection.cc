#include "kestrel/control/connection.h"

#include <cerrno>
#include <utility>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/control/routes.h"
#include "kestrel/sys/socket.h"

namespace kestrel::control {

namespace {

/// Input goes to the parser in pieces of this size, so that little comes back from behind a complete request.
constexpr std::size_t parser_piece = 4096;
/// Pieces of a streamed body made in one go, before others have their turn.
constexpr int pieces_per_turn = 8;

}  // namespace

Connection::Connection(loop::Loop& loop, ConnectionOwner& owner, const ConnectionLimits& limits,
                       sys::UniqueFd socket, bool is_authenticated)
    : loop_(&loop),
      owner_(&owner),
      limits_(&limits),
      stream_(loop, std::move(socket),
              {.on_data = [this](std::string_view bytes) { handle_data(bytes); },
               .on_end = [this](const Error* error) { handle_end(error); },
               .on_drained = [this] { handle_drained(); }}),
      timer_(loop, [this] { handle_timer(); }),
      is_authenticated_(is_authenticated) {
  // Who has yet to prove that it may call does not get to hold a connection by saying nothing.
  if (!is_authenticated) timer_.arm(limits.request);
  stream_.start_reading();
}

// --- events ------------------------------------------------------------------------------------------------

void Connection::handle_data(std::string_view bytes) {
  // A body goes on as it lies there.
  while (input_.empty() && !bytes.empty() && is_in_body()) bytes.remove_prefix(take_body(bytes));
  input_.append(bytes);
  read_requests();
}

void Connection::handle_end(const Error* error) {
  has_ended_ = true;
  // What will never be complete is given up.
  error != nullptr || is_in_body() ? close() : go_on();
}

void Connection::handle_drained() { stream_.is_broken() ? close() : go_on(); }

void Connection::handle_timer() {
  if (std::holds_alternative<Reading>(state_) || is_in_body()) {
    refuse({"the request was not complete in time", ETIMEDOUT});
  } else if (std::holds_alternative<Refusing>(state_)) {
    close();
  } else {
    go_on();
  }
}

void Connection::go_on() {
  if (std::holds_alternative<Streaming>(state_)) pump();
  if (std::holds_alternative<Working>(state_)) work_on();
  if (std::holds_alternative<Connected>(state_)) become_tunnel();
  if (std::holds_alternative<Pending>(state_)) conclude_pending();
  read_requests();
}

// --- requests ----------------------------------------------------------------------------------------------

void Connection::read_requests() {
  std::size_t used = 0;
  while (used < input_.size()) {
    if (std::holds_alternative<Reading>(state_) && stream_.queued_bytes() < limits_->queued) {
      read_request(used);
    } else if (is_in_body()) {
      used += take_body(std::string_view(input_).substr(used));
    } else if (std::holds_alternative<Refusing>(state_)) {
      used = input_.size();
    } else {
      break;
    }
  }
  if (std::holds_alternative<Closed>(state_)) return;
  input_.erase(0, used);
  if (input_.empty()) std::string().swap(input_);  // an assignment would keep the memory
  adjust_reading();
}

void Connection::read_request(std::size_t& used) {
  auto& reader = std::get<Reading>(state_).reader;
  if (!reader) {
    reader.emplace(limits_->body, body_rule);
    timer_.arm(limits_->request);
  }
  const std::optional<wire::Request> request = take_request(*reader, used);
  if (!request) return;
  wire::RequestReader done = std::move(*reader);
  reader.reset();
  timer_.disarm();
  answer(*request, std::move(done));
}

/// Feeds the next piece of the input to the parser; `used` is how far the parser got.
std::optional<wire::Request> Connection::take_request(wire::RequestReader& reader, std::size_t& used) {
  const std::string_view piece = std::string_view(input_).substr(used, parser_piece);
  Result<std::optional<wire::Request>> fed = reader.feed(piece);
  used += piece.size();
  if (!fed) {
    refuse(fed.error());
    return std::nullopt;
  }
  if (!*fed) return std::nullopt;
  if (!reader.is_in_body()) used -= reader.take_rest().size();
  return std::move(**fed);
}

/// Reads as long as that can lead to something, and ends when nothing more can come of the connection.
void Connection::adjust_reading() {
  if (has_ended_) {
    const bool is_idle = std::holds_alternative<Reading>(state_) && input_.empty();
    if (is_idle || std::holds_alternative<Refusing>(state_)) close();
  } else if (input_.empty() && !std::holds_alternative<Connecting>(state_) &&
             !std::holds_alternative<Connected>(state_) && !std::holds_alternative<Pending>(state_)) {
    stream_.start_reading();
  } else {
    stream_.stop_reading();
  }
}

void Connection::refuse(const Error& error) {
  const int status = error.code == EMSGSIZE    ? 413
                     : error.code == E2BIG     ? 431
                     : error.code == ETIMEDOUT ? 408
                                               : 400;
  wire::Response response = wire::problem(status, error.message);
  response.keep_alive = false;
  respond(response);
}

void Connection::answer(const wire::Request& request, wire::RequestReader reader) {
  if (!is_authenticated_ && !owner_->may_call(request)) {
    wire::Response response = wire::problem(401, "this connection has not presented its token");
    response.headers.emplace_back("WWW-Authenticate", "Bearer");
    response.keep_alive = false;
    return respond(response);
  }
  is_authenticated_ = true;
  Answer answer = route(request, owner_->guest());
  std::visit(
      overloaded{
          [&](wire::Response& response) {
            if (!reader.is_in_body()) return send(std::move(response), request);
            refuse_body(std::move(response));
          },
          [&](std::unique_ptr<Work>& work) {
            start_working(
                {.work = std::move(work), .reader = std::move(reader), .keep_alive = request.keep_alive},
                request);
          },
          [&](std::unique_ptr<BodySource>& source) { start_streaming(std::move(source), request); },
          [&](OpenTunnel& tunnel) {
            connect_tunnel({.connector = {}, .tunnel = std::move(tunnel), .keep_alive = request.keep_alive});
          },
          [&](std::unique_ptr<LateAnswer>& late) { await(std::move(late), request); }},
      answer);
}

void Connection::send(wire::Response response, const wire::Request& request) {
  response.keep_alive = request.keep_alive;
  if (request.method != "HEAD") return respond(response);
  std::string head = wire::serialize(response);
  head.resize(head.size() - response.body.size());
  stream_.write(std::move(head));
  if (!response.keep_alive) close();
}

void Connection::respond(const wire::Response& response) {
  stream_.write(wire::serialize(response));
  if (!response.keep_alive) close();
}

/// Answers before the body is complete. Closing at once could take the answer away from under the peer, which
/// is still sending (RFC 9112, 9.6).
void Connection::refuse_body(wire::Response response) {
  response.keep_alive = false;
  stream_.write(wire::serialize(response));
  state_ = Refusing{};
  timer_.arm(limits_->request);
}

void Connection::close() {
  if (std::holds_alternative<Closed>(state_)) return;
  timer_.disarm();
  state_ = Closed{};
  stream_.close_after_flush();
  owner_->retire(*this);
}

// --- streamed answers --------------------------------------------------------------------------------------

void Connection::start_streaming(std::unique_ptr<BodySource> source, const wire::Request& request) {
  BodyHead head = source->head();
  const bool is_chunked = !head.length;
  if (head.length) head.headers.emplace_back("Content-Length", concat(head.length->count));
  const wire::Response response{
      .status = 200, .headers = std::move(head.headers), .body = {}, .keep_alive = request.keep_alive};
  stream_.write(is_chunked ? wire::serialize_chunked_head(response) : wire::serialize_head(response));
  if (request.method == "HEAD") {
    if (!request.keep_alive) close();
    return;
  }
  Follower follower(source->followers(), [this] { timer_.arm(Duration::zero()); });
  state_ = Streaming{std::move(source), std::move(follower), is_chunked, request.keep_alive};
  pump();
}

void Connection::pump() {
  auto& streaming = std::get<Streaming>(state_);
  for (int piece = 0; piece < pieces_per_turn; ++piece) {
    if (stream_.is_broken() || stream_.queued_bytes() >= limits_->queued) return;
    BodyPiece made;
    const BodySource::State next = streaming.source->produce(made);
    send_piece(std::move(made), streaming.is_chunked);
    if (next == BodySource::State::failed) return close();
    if (next == BodySource::State::finished) return finish_streaming();
    if (next == BodySource::State::waiting) {
      // A peer that has ended is taken for gone: nothing else would tell before something is written.
      if (has_ended_) return close();
      return streaming.follower.wait();
    }
  }
  timer_.arm(Duration::zero());
}

void Connection::send_piece(BodyPiece piece, bool is_chunked) {
  const std::string_view bytes = piece.lent.empty() ? std::string_view(piece.made) : piece.lent;
  if (bytes.empty()) return;
  if (is_chunked) return stream_.write(wire::chunk(bytes));
  piece.lent.empty() ? stream_.write(std::move(piece.made)) : stream_.write_lent(piece.lent);
}

void Connection::finish_streaming() {
  const auto& streaming = std::get<Streaming>(state_);
  if (streaming.is_chunked) stream_.write(std::string(wire::last_chunk()));
  if (!streaming.keep_alive) return close();
  timer_.disarm();
  state_ = Reading{};
}

// --- requests that are work -------------------------------------------------------------------------------

void Connection::start_working(Working working, const wire::Request& request) {
  const bool expects_continue = working.reader.is_in_body() && request.body.empty() &&
                                wire::find_header(request.headers, "Expect") == "100-continue";
  auto& state = state_.emplace<Working>(std::move(working));
  if (expects_continue) stream_.write("HTTP/1.1 100 Continue\r\n\r\n");
  if (!request.body.empty()) {
    if (auto response = state.work->take(request.body)) return finish_working(std::move(*response));
  }
  timer_.arm(is_in_body() ? limits_->pause : Duration::zero());
}

bool Connection::is_in_body() const {
  const auto* working = std::get_if<Working>(&state_);
  return working != nullptr && working->reader.is_in_body();
}

/// How much of them it was.
std::size_t Connection::take_body(std::string_view bytes) {
  auto& working = std::get<Working>(state_);
  std::string_view rest = bytes;
  const Result<std::string_view> body = working.reader.feed_body(rest);
  if (!body) {
    refuse(body.error());
    return bytes.size();
  }
  const bool is_complete = !working.reader.is_in_body();
  const std::size_t used = bytes.size() - rest.size() - (is_complete ? working.reader.take_rest().size() : 0);
  timer_.arm(is_complete ? Duration::zero() : limits_->pause);
  if (body->empty()) return used;
  if (auto response = working.work->take(*body)) finish_working(std::move(*response));
  return used;
}

void Connection::work_on() {
  auto& working = std::get<Working>(state_);
  if (working.reader.is_in_body()) return;
  if (auto response = working.work->go_on()) return finish_working(std::move(*response));
  timer_.arm(Duration::zero());
}

void Connection::finish_working(wire::Response response) {
  timer_.disarm();
  if (is_in_body()) return refuse_body(std::move(response));
  response.keep_alive = std::get<Working>(state_).keep_alive;
  state_ = Reading{};
  respond(response);
}

// --- tunnels -----------------------------------------------------------------------------------------------

void Connection::connect_tunnel(Connecting connecting) {
  const std::string& address = connecting.tunnel.addresses[connecting.tried++];
  Result<sys::UniqueFd> socket = sys::connect_tcp(address, connecting.tunnel.port);
  auto& state = state_.emplace<Connecting>(std::move(connecting));
  if (!socket) return handle_connected(socket.error());
  state.connector =
      loop::Connector(*loop_, std::move(*socket), limits_->connect, [this](Result<sys::UniqueFd> target) {
        handle_connected(std::move(target));
        read_requests();
      });
}

void Connection::handle_connected(Result<sys::UniqueFd> target) {
  auto& connecting = std::get<Connecting>(state_);
  if (target) {
    // Both ends wait for each other's next words; neither wants its own held back for company.
    sys::disable_nagle(target->get());
    state_ = Connected{std::move(*target)};
    if (stream_.queued_bytes() == 0) become_tunnel();
  } else if (connecting.tried < connecting.tunnel.addresses.size()) {
    connect_tunnel(std::move(connecting));
  } else {
    const OpenTunnel& tunnel = connecting.tunnel;
    const std::string what = concat("cannot connect to port ", tunnel.port, " of ", tunnel.addresses.back());
    wire::Response response = wire::problem(502, errno_error(what, target.error().code).message);
    response.keep_alive = connecting.keep_alive;
    state_ = Reading{};
    respond(response);
  }
}

void Connection::become_tunnel() {
  sys::UniqueFd target = std::move(std::get<Connected>(state_).target);
  sys::UniqueFd client = stream_.release();
  state_ = Closed{};
  // An answer to CONNECT has neither a body nor headers that speak of one (RFC 9110, 9.3.6).
  if (client.is_open()) {
    owner_->start_relay({std::move(client), "HTTP/1.1 200 Connection established\r\n\r\n"},
                        {std::move(target), std::move(input_)});
  }
  owner_->retire(*this);
}

// --- answers that take their time --------------------------------------------------------------------------

void Connection::await(std::unique_ptr<LateAnswer> late, const wire::Request& request) {
  LateAnswer& answer = *late;
  state_ = Pending{.answer = std::move(late), .keep_alive = request.keep_alive};
  // It may call from inside, while the request is still being read: what follows from it comes later.
  answer.begin([this](std::optional<wire::Response> response) {
    std::get<Pending>(state_).outcome = std::move(response);
    timer_.arm(Duration::zero());
  });
}

void Connection::conclude_pending() {
  auto& pending = std::get<Pending>(state_);
  if (!pending.outcome) return;
  if (!*pending.outcome) {
    if (stream_.queued_bytes() == 0) hand_over();
    return;
  }
  wire::Response response = std::move(**pending.outcome);
  response.keep_alive = pending.keep_alive;
  state_ = Reading{};
  respond(response);
}

void Connection::hand_over() {
  const std::unique_ptr<LateAnswer> answer = std::move(std::get<Pending>(state_).answer);
  sys::UniqueFd socket = stream_.release();
  state_ = Closed{};
  if (socket.is_open()) answer->take_over(std::move(socket), std::move(input_));
  owner_->retire(*this);
}

}  // namespace kestrel::control
