// A Connection joined to a descriptor of the host.
//
// Bytes go straight from guest memory to the descriptor and back. Only what the descriptor does not take at
// once is copied, and the guest's credit for it stays used until it is written, which bounds the copy by the
// connection's window. The descriptor is read only when a receive buffer of the guest is at hand and the
// guest has room, never ahead.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "hostd/vsock/byte_queue.h"
#include "hostd/vsock/connection.h"
#include "hostd/vsock/opening.h"
#include "hostd/vsock/scatter.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd::vsock {

/// How long a Preamble's exchange may take from the guest's acceptance on.
inline constexpr Duration preamble_timeout = seconds(10);
inline constexpr std::size_t max_preamble_reply = 16 * 1024;

class Tunnel {
 public:
  /// `host` is non-blocking. `on_host_ready` is called from the loop when the descriptor can be read or
  /// written.
  Tunnel(loop::Loop& loop, Connection connection, sys::UniqueFd host, std::optional<Opening> opening,
         std::function<void(loop::Interest)> on_host_ready);
  /// An opening that has not come to its end fails.
  ~Tunnel();
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  [[nodiscard]] const Connection& connection() const { return connection_; }

  void on_packet(const PacketHeader& header, Pieces payload, MonotonicTime now);
  void on_host_ready(loop::Interest came, MonotonicTime now);
  void on_deadline();
  /// The guest is gone: fails an opening with `reason`. The tunnel is to be destroyed afterwards.
  void abandon(const Error& reason) { finish_opening(reason); }
  [[nodiscard]] std::optional<MonotonicTime> deadline() const;

  /// Whether there is something for the guest, as far as is known without reading the descriptor.
  [[nodiscard]] bool has_outgoing() const;
  /// Fills `payload`, a guest's receive buffer, if the next packet has any. nullopt: there was nothing after
  /// all.
  [[nodiscard]] std::optional<PacketHeader> next_packet(std::uint64_t cid, Pieces payload, MonotonicTime now);

  /// Waits for what the tunnel needs the descriptor for now; to be called after anything has changed.
  void update_interest();

  [[nodiscard]] std::size_t buffered_bytes() const { return unwritten_.size() + reply_.size(); }

  /// What the guest has sent and the host has not taken yet, if anything; the tunnel is to be destroyed
  /// afterwards.
  struct Rest {
    sys::UniqueFd host;
    ByteQueue bytes;
  };
  [[nodiscard]] std::optional<Rest> take_rest();

  bool is_queued = false;  ///< in the Muxer's queue of tunnels that have something for the guest

 private:
  void on_accepted(MonotonicTime now);
  void on_reply(Pieces payload, MonotonicTime now);
  void join(std::size_t consumed, MonotonicTime now);
  void fail(Error error);
  void finish_opening(Result<void> outcome);
  [[nodiscard]] Error cannot_connect(int code) const;
  void write(Pieces payload, MonotonicTime now);
  void flush(MonotonicTime now);
  void on_write_error(int error, MonotonicTime now);
  void follow_guest(MonotonicTime now);
  std::optional<PacketHeader> read_host(std::uint64_t cid, Pieces payload, std::uint32_t limit,
                                        MonotonicTime now);
  void on_host_end(MonotonicTime now);
  void close_host();

  Connection connection_;
  sys::UniqueFd host_;
  loop::FdWatcher watcher_;  ///< of host_, so it goes first
  std::optional<Opening> opening_;
  std::optional<MonotonicTime> opening_deadline_;
  std::string to_guest_;  ///< the preamble, as far as it is not sent
  std::string reply_;     ///< what the guest answered to it so far
  ByteQueue unwritten_;
  std::vector<iovec> pieces_;
  bool is_readable_ = false;  ///< the descriptor, as far as is known
};

}  // namespace kestrel::hostd::vsock
