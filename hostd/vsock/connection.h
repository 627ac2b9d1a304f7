// One connection between the guest and the host, as the packets see it: states, credit, and what is to be
// sent next. It knows no descriptor; the Tunnel that owns it moves the bytes and tells what happened to the
// host's end.
//
// Requested  the host asked, the guest has not answered yet.
// Open       bytes flow. Either side may end its halves one by one: the guest by SHUTDOWN packets, the host
// by end of
//            file (it will not send), a failed write (it will not receive), or both.
// Farewell   the host's end is over in both directions. The guest is told by SHUTDOWN of both halves and
// answers RST once
//            its program has read everything; after the deadline it is reset.
// Over       nothing more is expected. Unless the guest ended it by RST, it must be sent one, which the
// Muxer's queue
//            does, because this object is gone by then.
//
// A guest that closes a connection says SHUTDOWN of both halves and waits for RST. It gets that at once; what
// it sent before is still written to the host by the Tunnel's rest (Muxer), however slowly the host reads.
//
// Replies wait here as single facts (this response, this shutdown is due), never as packets in a queue: a
// guest that offers no buffers to receive into cannot make the host remember more.
#pragma once

#include <cstdint>
#include <optional>
#include <variant>

#include "hostd/vsock/credit.h"
#include "hostd/vsock/packet.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd::vsock {

/// How long the guest may take to accept a connection. Linux itself waits 2 s; a guest that is emulated on a
/// loaded machine can need more.
inline constexpr Duration accept_timeout = seconds(10);
/// How long the guest may take to let go after both halves ended: what Linux uses (VSOCK_CLOSE_TIMEOUT).
inline constexpr Duration farewell_timeout = seconds(8);

class Connection {
 public:
  struct Requested {
    MonotonicTime deadline;
    bool request_due = true;
  };
  enum class CreditRequest { none, due, sent };  ///< one for each time the guest's window runs out
  struct Open {
    bool response_due = false;
    bool credit_update_due = false;  ///< the guest asked for one
    CreditRequest credit_request = CreditRequest::none;
    Halves guest_ended = {};
    Halves host_ended = {};
    Halves told = {};  ///< what of host_ended the guest has been told
  };
  struct Farewell {
    MonotonicTime deadline;
    bool shutdown_due = true;
  };
  enum class Ending {
    guest_reset,   ///< the guest gave it up by RST and must not be answered
    guest_closed,  ///< orderly, by SHUTDOWN of both halves: what it sent before still counts
    aborted,
  };
  struct Over {
    Ending ending = Ending::aborted;
  };
  using State = std::variant<Requested, Open, Farewell, Over>;

  /// The host asks for `id.guest_port`.
  [[nodiscard]] static Connection to_guest(ConnectionId id, std::uint32_t window, MonotonicTime now);
  /// The guest asked with `request`, and the host accepts.
  [[nodiscard]] static Connection from_guest(const PacketHeader& request, std::uint32_t window);

  /// What the owner of the host's end has to do about a packet, besides looking at the state.
  enum class Reaction {
    nothing,
    opened,   ///< the guest accepted
    deliver,  ///< the payload is for the host; forwarded() when it is out of our hands
    discard,  ///< the payload is for nobody
  };
  [[nodiscard]] Reaction on_packet(const PacketHeader& header);

  /// `count` bytes from the guest have been written to the host or thrown away.
  void forwarded(std::uint32_t count) { host_window_.forward(count); }
  /// The host's end will not send, or not receive, any more.
  void end_host(Halves halves, MonotonicTime now);
  /// Something failed that only a reset can tell the guest.
  void abort() { state_ = Over{Ending::aborted}; }

  /// Whether a control packet waits to be sent.
  [[nodiscard]] bool has_control() const { return next_control().has_value(); }
  /// How many bytes from the host may be sent to the guest now.
  [[nodiscard]] std::uint32_t sendable() const;

  /// The header of the next control packet. Only if has_control().
  [[nodiscard]] PacketHeader take_control(std::uint64_t cid);
  /// The header of a packet with `length` bytes, at most sendable().
  [[nodiscard]] PacketHeader take_data(std::uint64_t cid, std::uint32_t length);

  [[nodiscard]] ConnectionId id() const { return id_; }
  [[nodiscard]] const State& state() const { return state_; }
  [[nodiscard]] bool is_open() const { return std::holds_alternative<Open>(state_); }
  [[nodiscard]] bool is_over() const { return std::holds_alternative<Over>(state_); }
  [[nodiscard]] bool guest_closed() const;
  [[nodiscard]] bool is_reset_due() const;
  [[nodiscard]] Halves guest_ended() const;
  [[nodiscard]] Halves host_ended() const;
  /// When the connection is to be aborted if nothing changes.
  [[nodiscard]] std::optional<MonotonicTime> deadline() const;

 private:
  Connection(ConnectionId id, std::uint32_t window, State state)
      : id_(id), host_window_(window), state_(state) {}

  [[nodiscard]] std::optional<Operation> next_control() const;
  PacketHeader stamp(std::uint64_t cid, Operation operation);
  void note_sent(Operation operation);
  Reaction on_open_packet(Open& open, const PacketHeader& header);
  Reaction on_shutdown(Open& open, Halves halves);

  ConnectionId id_;
  GuestWindow guest_window_;
  HostWindow host_window_;
  State state_;
};

}  // namespace kestrel::hostd::vsock
