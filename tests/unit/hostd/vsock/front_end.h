// Plays QEMU and a guest's vsock driver against a real Device, over a socket pair, in one thread and without
// sleeping. It behaves like QEMU 7.2 and Linux 6.1 unless a test has it misbehave.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hostd/vsock/device.h"
#include "hostd/vsock/packet.h"
#include "hostd/vsock/vhost_user.h"
#include "kestrel/loop/loop.h"
#include "tests/unit/hostd/vsock/driver_ring.h"
#include "tests/unit/hostd/vsock/guest_ram.h"

namespace kestrel::hostd::vsock::test {

inline constexpr std::uint64_t guest_cid = 42;
inline constexpr std::uint64_t all_features = 1ULL << 28 | 1ULL << 29 | 1ULL << 30 | 1ULL << 32;

struct FrontEndOptions {
  std::uint32_t ring_size = 64;
  std::uint64_t features = all_features;
  std::string uds_path;
  std::size_t max_connections = 1024;
};

struct Packet {
  PacketHeader header;
  std::string payload;
};

/// Two ends of a connection on the host: one for the device, one for the test, both non-blocking.
[[nodiscard]] std::pair<sys::UniqueFd, sys::UniqueFd> socket_pair();
/// What can be read at once; `is_end` tells whether the end of the file came behind it.
struct HostRead {
  std::string data;
  bool is_end = false;
};
[[nodiscard]] HostRead read_host(const sys::UniqueFd& fd, std::size_t limit = 1 << 20);
/// In one message, as SCM_RIGHTS.
void send_with_files(int socket, std::span<const std::uint8_t> bytes, std::span<const int> files);
/// As much as fits at once; returns how much that was.
std::size_t write_host(const sys::UniqueFd& fd, std::string_view data);
[[nodiscard]] std::string vring_state(std::uint32_t index, std::uint32_t number);

class FrontEnd {
 public:
  explicit FrontEnd(FrontEndOptions options = {});

  // the loop: a turn never waits
  //
  void turn();
  /// Enough turns for everything that is under way to settle.
  void settle();
  /// Turns until `is_done`; false if that takes longer than it ever should.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_done);

  // QEMU
  //
  void send_raw(std::string_view bytes, const std::vector<int>& files = {});
  void send_message(Request request, std::string_view payload, const std::vector<int>& files = {},
                    bool wants_reply = false);
  /// The payload of the answer.
  [[nodiscard]] std::string ask(Request request, std::string_view payload = {},
                                const std::vector<int>& files = {}, bool wants_reply = false);
  void set_memory();
  void set_ring(std::uint32_t index, const DriverRing& ring, std::uint16_t base);
  /// Everything from SET_FEATURES to SET_VRING_ENABLE; rings go on at these indices.
  void start(std::uint16_t rx_base = 0, std::uint16_t tx_base = 0);
  /// The indices the device answered.
  std::pair<std::uint16_t, std::uint16_t> stop();
  /// stop(), and start() with rings as a booting guest makes them.
  void reboot();
  /// QEMU ends.
  void hang_up() { vmm_.reset(); }

  // the guest
  //
  /// Offers all receive buffers.
  void fill_rx();
  void kick(std::uint32_t index);
  /// How often the device has interrupted for this ring since the last call.
  [[nodiscard]] std::uint64_t take_interrupts(std::uint32_t index);
  /// Sends a packet in one descriptor, from this guest to the host; waits while the ring is full.
  void send(const PacketHeader& header, std::string_view payload = {});
  /// The next packet that came, and its buffer offered again.
  [[nodiscard]] std::optional<Packet> receive();
  /// The next packet, after as many turns as it takes; operation `invalid` if none comes.
  [[nodiscard]] Packet expect();
  /// Whether no packet comes.
  [[nodiscard]] bool stays_silent();

  /// A header from this guest, with a generous window.
  [[nodiscard]] static PacketHeader header(Operation operation, ConnectionId id, std::uint32_t length = 0);
  [[nodiscard]] static PacketHeader shutdown_header(ConnectionId id, std::uint32_t flags);

  // both
  //
  /// The host connects to `guest_port` and the guest accepts. `host` is the test's end.
  struct Opened {
    ConnectionId id;
    sys::UniqueFd host;
  };
  [[nodiscard]] Opened open(std::uint32_t guest_port = 1000, Preamble preamble = {});
  /// A new connection carries bytes both ways and ends.
  [[nodiscard]] bool is_sane();

  GuestRam ram;
  DriverRing rx;
  DriverRing tx;
  loop::Loop loop;
  std::unique_ptr<Device> device;
  bool has_ended = false;
  std::string end_reason;  ///< empty: QEMU closed its end
  std::vector<bool> driver_changes;

  /// Where the packet buffers are, for tests that make chains by hand.
  static constexpr std::uint64_t rx_buffers = 0x100000;
  static constexpr std::uint32_t rx_buffer_size = 4096;
  static constexpr std::uint64_t tx_buffers = 0x400000;
  static constexpr std::uint32_t tx_buffer_size = 0x11000;
  static constexpr std::uint64_t scratch = 0xf00000;

 private:
  [[nodiscard]] DriverRing& ring(std::uint32_t index) { return index == 0 ? rx : tx; }
  [[nodiscard]] std::string read_reply();

  FrontEndOptions options_;
  sys::UniqueFd vmm_;
  sys::UniqueFd kicks_[2];
  sys::UniqueFd calls_[2];
  std::vector<std::uint16_t> free_tx_;
};

/// A running VM whose guest has offered receive buffers.
struct Vm : FrontEnd {
  explicit Vm(FrontEndOptions options = {}) : FrontEnd(std::move(options)) {
    start();
    fill_rx();
  }
};

}  // namespace kestrel::hostd::vsock::test
