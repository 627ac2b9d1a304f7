#include "hostd/vsock/tunnel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "hostd/vsock/host_io.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

namespace {

std::span<const std::byte> as_bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

iovec as_piece(std::span<const std::byte> bytes) {
  return {const_cast<std::byte*>(bytes.data()), bytes.size()};
}

}  // namespace

Tunnel::Tunnel(loop::Loop& loop, Connection connection, sys::UniqueFd host, std::optional<Opening> opening,
               std::function<void(loop::Interest)> on_host_ready)
    : connection_(connection),
      host_(std::move(host)),
      watcher_(loop, host_.get(), std::move(on_host_ready)),
      opening_(std::move(opening)) {}

Tunnel::~Tunnel() {
  close_host();
  // A reset instead of an answer means that nobody listens there.
  const bool was_accepted = opening_deadline_.has_value();
  finish_opening(cannot_connect(was_accepted ? ECONNRESET : ECONNREFUSED));
}

void Tunnel::on_packet(const PacketHeader& header, Pieces payload, MonotonicTime now) {
  switch (connection_.on_packet(header)) {
    case Connection::Reaction::nothing:
      break;
    case Connection::Reaction::opened:
      on_accepted(now);
      break;
    case Connection::Reaction::discard:
      connection_.forwarded(header.length);
      break;
    case Connection::Reaction::deliver:
      if (opening_) {
        on_reply(payload, now);
      } else {
        write(payload, now);
      }
      break;
  }
  follow_guest(now);
}

void Tunnel::on_accepted(MonotonicTime now) {
  if (!opening_) return;
  if (opening_->greeting == Opening::Greeting::ok_line) {
    const std::string line = concat("OK ", connection_.id().host_port, "\n");
    const iovec piece = as_piece(as_bytes(line));
    if (!write_pieces(host_.get(), {&piece, 1}).is_whole) return connection_.abort();
  }
  to_guest_ = std::move(opening_->preamble.to_guest);
  if (!opening_->preamble.on_reply) return finish_opening({});
  opening_deadline_ = now + preamble_timeout;
}

void Tunnel::on_reply(Pieces payload, MonotonicTime now) {
  const std::size_t before = reply_.size();
  reply_.resize(before + total_size(payload));
  gather(payload, std::as_writable_bytes(std::span(reply_)).subspan(before));
  // What follows the preamble's last byte may be long: only the reply itself is bounded.
  const auto seen = std::string_view(reply_).substr(0, max_preamble_reply);
  const PreambleStep step = opening_->preamble.on_reply(seen);
  switch (step.verdict) {
    case PreambleStep::Verdict::more:
      if (reply_.size() >= max_preamble_reply)
        fail({"cannot join the guest: its reply is too long", EMSGSIZE});
      return;
    case PreambleStep::Verdict::refuse:
      return fail({step.reason, ECONNREFUSED});
    case PreambleStep::Verdict::join:
      return join(std::min(step.consumed, seen.size()), now);
  }
}

void Tunnel::join(std::size_t consumed, MonotonicTime now) {
  finish_opening({});
  const std::string received = std::exchange(reply_, {});
  connection_.forwarded(static_cast<std::uint32_t>(consumed));
  const iovec rest = as_piece(as_bytes(received).subspan(consumed));
  write({&rest, 1}, now);
}

void Tunnel::fail(Error error) {
  finish_opening(std::move(error));
  connection_.abort();
}

Error Tunnel::cannot_connect(int code) const {
  return errno_error(concat("cannot connect to port ", connection_.id().guest_port, " of the guest"), code);
}

void Tunnel::finish_opening(Result<void> outcome) {
  const auto opening = std::exchange(opening_, std::nullopt);
  opening_deadline_.reset();
  if (opening && opening->done) opening->done(std::move(outcome));
}

void Tunnel::write(Pieces payload, MonotonicTime now) {
  std::size_t written = 0;
  if (unwritten_.is_empty()) {
    const Transfer transfer = write_pieces(host_.get(), payload);
    if (transfer.error != 0 && !transfer.must_wait()) {
      connection_.forwarded(static_cast<std::uint32_t>(total_size(payload)));
      return on_write_error(transfer.error, now);
    }
    written = transfer.count;
    connection_.forwarded(static_cast<std::uint32_t>(written));
    if (transfer.is_whole) return;
  }
  slice(payload, written, SIZE_MAX, pieces_);
  unwritten_.append(pieces_);
}

void Tunnel::flush(MonotonicTime now) {
  while (!unwritten_.is_empty()) {
    const iovec piece = as_piece(unwritten_.front());
    const Transfer transfer = write_pieces(host_.get(), {&piece, 1});
    if (transfer.must_wait()) return;
    if (transfer.error != 0) return on_write_error(transfer.error, now);
    connection_.forwarded(static_cast<std::uint32_t>(transfer.count));
    unwritten_.take(transfer.count);
  }
}

void Tunnel::on_write_error(int error, MonotonicTime now) {
  connection_.forwarded(static_cast<std::uint32_t>(unwritten_.size()));
  unwritten_.clear();
  // Whoever does not receive may still have sent something that can be read.
  if (error == EPIPE) return connection_.end_host({.receive = true, .send = false}, now);
  connection_.abort();
}

void Tunnel::follow_guest(MonotonicTime now) {
  const Halves ended = connection_.guest_ended();
  if (opening_ && ended.any()) {
    return fail(errno_error("cannot join the guest: it closed the connection before it replied", ECONNRESET));
  }
  if (ended.receive && !connection_.host_ended().send) {
    ::shutdown(host_.get(), SHUT_RD);
    connection_.end_host({.receive = false, .send = true}, now);
  }
  if (ended.send && !connection_.host_ended().receive && unwritten_.is_empty()) {
    ::shutdown(host_.get(), SHUT_WR);
    connection_.end_host({.receive = true, .send = false}, now);
  }
  if (std::holds_alternative<Connection::Farewell>(connection_.state())) close_host();
}

void Tunnel::on_host_ready(loop::Interest came, MonotonicTime now) {
  if (came.readable) is_readable_ = true;
  if (came.writable) flush(now);
  follow_guest(now);
}

void Tunnel::on_deadline() { fail(cannot_connect(ETIMEDOUT)); }

std::optional<MonotonicTime> Tunnel::deadline() const {
  return opening_deadline_ ? opening_deadline_ : connection_.deadline();
}

bool Tunnel::has_outgoing() const {
  if (connection_.has_control()) return true;
  return connection_.sendable() > 0 && (!to_guest_.empty() || (is_readable_ && !opening_));
}

std::optional<PacketHeader> Tunnel::next_packet(std::uint64_t cid, Pieces payload, MonotonicTime now) {
  if (connection_.has_control()) return connection_.take_control(cid);
  const std::uint32_t limit = std::min(connection_.sendable(), max_packet_payload);
  if (limit == 0) return std::nullopt;
  if (!to_guest_.empty()) {
    const std::size_t count =
        scatter(as_bytes(to_guest_).first(std::min<std::size_t>(limit, to_guest_.size())), payload);
    to_guest_.erase(0, count);
    return connection_.take_data(cid, static_cast<std::uint32_t>(count));
  }
  if (opening_ || !is_readable_) return std::nullopt;
  return read_host(cid, payload, limit, now);
}

std::optional<PacketHeader> Tunnel::read_host(std::uint64_t cid, Pieces payload, std::uint32_t limit,
                                              MonotonicTime now) {
  slice(payload, 0, limit, pieces_);
  const Transfer transfer = read_pieces(host_.get(), pieces_);
  // A short read has emptied the descriptor; should more have come since, the watcher will tell.
  is_readable_ = transfer.is_whole;
  if (transfer.count > 0) return connection_.take_data(cid, static_cast<std::uint32_t>(transfer.count));
  if (transfer.must_wait()) return std::nullopt;
  if (transfer.error != 0) {
    connection_.abort();
    return std::nullopt;
  }
  on_host_end(now);
  return connection_.has_control() ? std::optional(connection_.take_control(cid)) : std::nullopt;
}

void Tunnel::on_host_end(MonotonicTime now) {
  connection_.end_host({.receive = is_hung_up(host_.get()), .send = true}, now);
  if (!connection_.is_open()) close_host();
}

void Tunnel::update_interest() {
  if (!host_.is_open()) return;
  const bool reads = !opening_ && to_guest_.empty() && !is_readable_ && connection_.sendable() > 0;
  watcher_.watch({.readable = reads, .writable = !unwritten_.is_empty()});
}

std::optional<Tunnel::Rest> Tunnel::take_rest() {
  if (unwritten_.is_empty()) return std::nullopt;
  watcher_ = {};
  return Rest{std::move(host_), std::exchange(unwritten_, {})};
}

void Tunnel::close_host() {
  watcher_ = {};
  host_.reset();
  unwritten_.clear();
}

}  // namespace kestrel::hostd::vsock
