// All connections of one guest: finds the one a packet is for, makes and ends them, and hands out what is to
// be sent to the guest, one packet of each connection in turn.
//
// It sees packets, not rings: the RingPump brings it what the guest sent and asks it to fill the guest's
// receive buffers. What waits for such a buffer is bounded: facts inside each connection, and resets in a
// queue. When that queue is long, no more packets are taken from the guest (can_take_packet) until it offers
// buffers, so it only holds up itself.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <unordered_map>

#include "hostd/vsock/drain.h"
#include "hostd/vsock/packet.h"
#include "hostd/vsock/tunnel.h"
#include "kestrel/base/result.h"
#include "kestrel/loop/timer.h"

namespace kestrel::hostd::vsock {

struct MuxerOptions {
  std::uint64_t cid = 3;
  std::size_t max_connections = 1024;  ///< of both kinds, those that are only being drained included
  /// A connected, non-blocking stream socket for a connection the guest opens to `port` of the host.
  std::function<Result<sys::UniqueFd>(std::uint32_t port)> dial;
};

class Muxer {
 public:
  /// `on_outgoing` is called when something for the guest has turned up outside of take() and fill().
  Muxer(loop::Loop& loop, MuxerOptions options, std::function<void()> on_outgoing);

  /// `host` is non-blocking. If it fails at once, `opening.done` is told so before this returns.
  void connect(std::uint32_t guest_port, sys::UniqueFd host, Opening opening);

  [[nodiscard]] bool can_take_packet() const { return resets_.size() < max_waiting_resets; }
  /// One packet from the guest: everything that was readable in its chain.
  void take(Pieces packet);

  [[nodiscard]] bool has_outgoing() const { return !resets_.empty() || !ready_.empty(); }
  /// Fills one receive buffer of the guest, which must be longer than a header. Returns how many bytes of it
  /// are used; nullopt if there was nothing to send after all.
  [[nodiscard]] std::optional<std::uint32_t> fill(Pieces buffer);

  /// Forgets all connections, because the guest has. Their descriptors are closed, once they have taken what
  /// the guest had sent before.
  void drop_all(const Error& reason);

  [[nodiscard]] DeviceStats stats() const;

 private:
  static constexpr std::size_t max_waiting_resets = 256;

  Tunnel* find(ConnectionId id);
  Tunnel& add(Connection connection, sys::UniqueFd host, std::optional<Opening> opening);
  void accept(const PacketHeader& request);
  void on_host_ready(ConnectionId id, loop::Interest came);
  /// To be called after anything happened to a tunnel: queues it, or removes it if it is over.
  void settle(Tunnel& tunnel);
  void remove(Tunnel& tunnel);
  void drain_rest(Tunnel& tunnel);
  void refuse(const PacketHeader& packet);
  void queue_reset(ConnectionId id);
  std::optional<ConnectionId> free_id(std::uint32_t guest_port);
  std::uint32_t put(const PacketHeader& header, Pieces buffer);
  void arm_timer(MonotonicTime deadline);
  void on_timer();
  [[nodiscard]] std::size_t open_connections() const { return tunnels_.size() + drains_.size(); }

  loop::Loop& loop_;
  MuxerOptions options_;
  std::function<void()> on_outgoing_;
  std::unordered_map<ConnectionId, std::unique_ptr<Tunnel>> tunnels_;
  std::list<Drain> drains_;
  std::deque<Tunnel*> ready_;
  std::deque<ConnectionId> resets_;
  std::vector<iovec> payload_;
  std::uint32_t next_host_port_;
  std::uint64_t bytes_to_guest_ = 0;
  std::uint64_t bytes_to_host_ = 0;
  std::optional<MonotonicTime> next_deadline_;
  loop::Timer timer_;
};

}  // namespace kestrel::hostd::vsock
