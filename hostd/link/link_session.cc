#include "hostd/link/link_session.h"

#include <algorithm>
#include <cctype>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view upgrade_protocol = "kestrel-link/1";

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return std::tolower(static_cast<unsigned char>(c)); };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

}  // namespace

LinkSession::LinkSession(loop::Loop& loop, sys::UniqueFd connection, Duration handshake_limit,
                         LinkSessionCallbacks callbacks)
    : callbacks_(std::move(callbacks)),
      request_(kibibytes(4)),
      handshake_limit_(loop, [this] { end("it did not say hello in time"); }),
      stream_(
          loop, std::move(connection),
          {.on_data = [this](std::string_view bytes) { receive(bytes); },
           .on_end =
               [this](const Error* error) { end(error != nullptr ? error->message : "the guest closed it"); },
           .on_drained = [this] { flush_ack(); }}) {
  handshake_limit_.arm(handshake_limit);
  stream_.start_reading();
}

void LinkSession::send(const wire::HostMessage& message) { stream_.write(wire::encode(message)); }

void LinkSession::acknowledge(const wire::Ack& ack) {
  waiting_ack_ = ack;
  if (stream_.queued_bytes() == 0) flush_ack();
}

void LinkSession::flush_ack() {
  if (!waiting_ack_) return;
  send(*waiting_ack_);
  waiting_ack_.reset();
}

void LinkSession::receive(std::string_view bytes) {
  if (state_ == State::ended) return;
  if (state_ != State::upgrading) return take_lines(bytes);
  std::string rest;
  if (upgrade(bytes, rest)) take_lines(rest);
}

bool LinkSession::upgrade(std::string_view bytes, std::string& rest) {
  const auto refuse = [&](int status, std::string_view reason) {
    stream_.write(wire::serialize(wire::problem(status, reason)));
    stream_.close_after_flush();
    end(reason);
    return false;
  };
  const auto request = request_.feed(bytes);
  if (!request) return refuse(400, request.error().message);
  if (!*request) return false;
  const auto protocol = wire::find_header((*request)->headers, "Upgrade");
  if ((*request)->method != "GET" || (*request)->target != "/v1/link")
    return refuse(404, "there is only GET /v1/link");
  if (!protocol || !equals_ignoring_case(*protocol, upgrade_protocol)) {
    return refuse(426, concat("this is for Upgrade: ", upgrade_protocol));
  }
  if (const auto refusal = callbacks_.on_upgrade()) return refuse(409, *refusal);
  stream_.write(concat(
      "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ", upgrade_protocol, "\r\n\r\n"));
  state_ = State::greeting;
  rest = request_.take_rest();
  return true;
}

void LinkSession::take_lines(std::string_view bytes) {
  const auto lines = lines_.feed(bytes);
  if (!lines) return end(lines.error().message);
  for (const std::string& line : *lines) {
    if (!take_message(line)) return;
  }
  if (state_ == State::established && !lines->empty()) callbacks_.on_batch_end();
}

/// False when the session has ended.
bool LinkSession::take_message(const std::string& line) {
  auto message = wire::decode_guest_message(line);
  if (!message) {
    end(message.error().message);
    return false;
  }
  if (!*message) return true;
  const bool is_hello = std::holds_alternative<wire::Hello>(**message);
  if (is_hello != (state_ == State::greeting)) {
    end(is_hello ? "it said hello twice" : "it did not say hello first");
    return false;
  }
  state_ = State::established;
  handshake_limit_.disarm();
  callbacks_.on_message(**message);
  return state_ != State::ended;
}

void LinkSession::end(std::string_view reason) {
  if (state_ == State::ended) return;
  state_ = State::ended;
  handshake_limit_.disarm();
  const auto on_end = std::move(callbacks_.on_end);
  on_end(reason);
}

}  // namespace kestrel::hostd
