// IPv4 packets of one interface, past the kernel's own IP: for who has no address yet (packet(7)).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

class PacketSocket {
 public:
  /// Of all packets it gets UDP to this port, and wakes up for nothing else. The interface has to be up.
  [[nodiscard]] static Result<PacketSocket> open(const std::string& interface, std::uint16_t udp_port);

  /// To every machine on the link.
  [[nodiscard]] Result<void> send_to_all(std::string_view packet) const;

  struct Packet {
    std::string bytes;  ///< from the IP header on
    bool has_checksum =
        true;  ///< false: its sender left the UDP checksum to a card that never saw the packet
  };
  /// nullopt: there is none now, or the interface went down.
  [[nodiscard]] std::optional<Packet> receive() const;

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  PacketSocket(UniqueFd socket, std::string interface, int index)
      : socket_(std::move(socket)), interface_(std::move(interface)), index_(index) {}

  UniqueFd socket_;
  std::string interface_;
  int index_;
};

}  // namespace kestrel::sys
