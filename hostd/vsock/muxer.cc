#include "hostd/vsock/muxer.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

namespace {

// Host ports of connections the host opens: above what services listen on, so that the two kinds never meet.
constexpr std::uint32_t first_host_port = 1U << 30;
constexpr std::uint32_t last_host_port = (1U << 31) - 1;

}  // namespace

Muxer::Muxer(loop::Loop& loop, MuxerOptions options, std::function<void()> on_outgoing)
    : loop_(loop),
      options_(std::move(options)),
      on_outgoing_(std::move(on_outgoing)),
      next_host_port_(first_host_port),
      timer_(loop, [this] { on_timer(); }) {}

void Muxer::connect(std::uint32_t guest_port, sys::UniqueFd host, Opening opening) {
  const auto id = free_id(guest_port);
  if (!id || open_connections() >= options_.max_connections) {
    host.reset();
    if (opening.done) {
      opening.done(Error{concat("cannot connect to port ", guest_port, " of the guest: ", open_connections(),
                                " connections are open already"),
                         EMFILE});
    }
    return;
  }
  auto connection = Connection::to_guest(*id, receive_window(open_connections()), loop_.now());
  settle(add(std::move(connection), std::move(host), std::move(opening)));
  on_outgoing_();
}

std::optional<ConnectionId> Muxer::free_id(std::uint32_t guest_port) {
  for (std::size_t tries = 0; tries <= tunnels_.size(); ++tries) {
    const ConnectionId id{.host_port = next_host_port_, .guest_port = guest_port};
    next_host_port_ = next_host_port_ == last_host_port ? first_host_port : next_host_port_ + 1;
    if (!tunnels_.contains(id)) return id;
  }
  return std::nullopt;
}

Tunnel& Muxer::add(Connection connection, sys::UniqueFd host, std::optional<Opening> opening) {
  const ConnectionId id = connection.id();
  auto on_ready = [this, id](loop::Interest came) { on_host_ready(id, came); };
  auto tunnel = std::make_unique<Tunnel>(loop_, std::move(connection), std::move(host), std::move(opening),
                                         std::move(on_ready));
  return *tunnels_.insert_or_assign(id, std::move(tunnel)).first->second;
}

Tunnel* Muxer::find(ConnectionId id) {
  const auto found = tunnels_.find(id);
  return found == tunnels_.end() ? nullptr : found->second.get();
}

void Muxer::take(Pieces packet) {
  PacketHeaderBytes bytes;
  if (gather(packet, bytes) < bytes.size()) return;
  const PacketHeader header = decode_packet_header(bytes);
  // The guest's kernel sends nothing else; what pretends to come from or go elsewhere is nobody's.
  if (header.source_cid != options_.cid || header.destination_cid != host_cid) return;
  if (header.type != stream_type) return refuse(header);
  const bool has_payload = header.operation == Operation::data;
  if (has_payload &&
      (header.length > max_packet_payload || header.length > total_size(packet) - bytes.size())) {
    if (Tunnel* tunnel = find(connection_of(header)); tunnel != nullptr) remove(*tunnel);
    return refuse(header);
  }
  Tunnel* tunnel = find(connection_of(header));
  if (tunnel == nullptr) return header.operation == Operation::request ? accept(header) : refuse(header);
  slice(packet, bytes.size(), has_payload ? header.length : 0, payload_);
  if (has_payload) bytes_to_host_ += header.length;
  tunnel->on_packet(header, payload_, loop_.now());
  settle(*tunnel);
}

void Muxer::refuse(const PacketHeader& packet) {
  // Two sides that reset each other's resets would never end.
  if (packet.operation != Operation::reset) queue_reset(connection_of(packet));
}

void Muxer::queue_reset(ConnectionId id) { resets_.push_back(id); }

void Muxer::accept(const PacketHeader& request) {
  if (open_connections() >= options_.max_connections) return refuse(request);
  auto host = options_.dial(request.destination_port);
  if (!host) return refuse(request);
  auto connection = Connection::from_guest(request, receive_window(open_connections()));
  settle(add(std::move(connection), std::move(*host), std::nullopt));
}

void Muxer::on_host_ready(ConnectionId id, loop::Interest came) {
  Tunnel* tunnel = find(id);
  if (tunnel == nullptr) return;
  tunnel->on_host_ready(came, loop_.now());
  // Not settle(): whether the descriptor is waited for again is best decided after it has been read.
  if (!tunnel->is_queued && tunnel->has_outgoing()) {
    tunnel->is_queued = true;
    ready_.push_back(tunnel);
  }
  if (has_outgoing()) on_outgoing_();
  if (tunnel = find(id); tunnel != nullptr) settle(*tunnel);
}

void Muxer::settle(Tunnel& tunnel) {
  if (tunnel.connection().is_over()) return remove(tunnel);
  if (!tunnel.is_queued && tunnel.has_outgoing()) {
    tunnel.is_queued = true;
    ready_.push_back(&tunnel);
  }
  tunnel.update_interest();
  if (const auto deadline = tunnel.deadline()) arm_timer(*deadline);
}

void Muxer::remove(Tunnel& tunnel) {
  const ConnectionId id = tunnel.connection().id();
  if (tunnel.connection().is_reset_due()) queue_reset(id);
  if (tunnel.connection().guest_closed()) drain_rest(tunnel);
  if (tunnel.is_queued) std::erase(ready_, &tunnel);
  tunnels_.erase(id);
}

void Muxer::drain_rest(Tunnel& tunnel) {
  auto rest = tunnel.take_rest();
  if (!rest) return;
  drains_.emplace_back(loop_, std::move(rest->host), std::move(rest->bytes), [this](Drain& ended) {
    drains_.remove_if([&](const Drain& drain) { return &drain == &ended; });
  });
}

std::optional<std::uint32_t> Muxer::fill(Pieces buffer) {
  if (!resets_.empty()) {
    const ConnectionId id = resets_.front();
    resets_.pop_front();
    return put({.source_cid = host_cid,
                .destination_cid = options_.cid,
                .source_port = id.host_port,
                .destination_port = id.guest_port,
                .operation = Operation::reset},
               buffer);
  }
  while (!ready_.empty()) {
    Tunnel& tunnel = *ready_.front();
    ready_.pop_front();
    tunnel.is_queued = false;
    slice(buffer, packet_header_size, max_packet_payload, payload_);
    const auto header = tunnel.next_packet(options_.cid, payload_, loop_.now());
    settle(tunnel);
    if (header) return put(*header, buffer);
  }
  return std::nullopt;
}

std::uint32_t Muxer::put(const PacketHeader& header, Pieces buffer) {
  const PacketHeaderBytes bytes = encode_packet_header(header);
  scatter(bytes, buffer);
  bytes_to_guest_ += header.length;
  return static_cast<std::uint32_t>(packet_header_size) + header.length;
}

void Muxer::drop_all(const Error& reason) {
  resets_.clear();
  ready_.clear();
  for (auto& [id, tunnel] : tunnels_) {
    tunnel->abandon(reason);
    drain_rest(*tunnel);
  }
  tunnels_.clear();
  timer_.disarm();
  next_deadline_.reset();
}

void Muxer::arm_timer(MonotonicTime deadline) {
  if (next_deadline_ && *next_deadline_ <= deadline) return;
  next_deadline_ = deadline;
  timer_.arm(deadline);
}

void Muxer::on_timer() {
  next_deadline_.reset();
  const MonotonicTime now = loop_.now();
  std::vector<Tunnel*> expired;
  for (auto& [id, tunnel] : tunnels_) {
    const auto deadline = tunnel->deadline();
    if (!deadline) continue;
    if (*deadline <= now) {
      expired.push_back(tunnel.get());
    } else {
      arm_timer(*deadline);
    }
  }
  for (Tunnel* tunnel : expired) {
    tunnel->on_deadline();
    settle(*tunnel);
  }
  if (has_outgoing()) on_outgoing_();
}

DeviceStats Muxer::stats() const {
  DeviceStats stats{
      .connections = tunnels_.size(), .bytes_to_guest = bytes_to_guest_, .bytes_to_host = bytes_to_host_};
  for (const auto& [id, tunnel] : tunnels_) stats.buffered_bytes += tunnel->buffered_bytes();
  for (const Drain& drain : drains_) stats.buffered_bytes += drain.buffered_bytes();
  return stats;
}

}  // namespace kestrel::hostd::vsock
