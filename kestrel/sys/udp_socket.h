// A UDP socket of one interface and one IPv4 address.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// Where datagrams come from or go to.
struct UdpAddress {
  IpAddress address;
  std::uint16_t port = 0;
};

class UdpSocket {
 public:
  /// May send to everybody (255.255.255.255), too.
  [[nodiscard]] static Result<UdpSocket> open(const std::string& interface, const UdpAddress& own);

  [[nodiscard]] Result<void> send(const UdpAddress& to, std::string_view message) const;
  /// nullopt: there is none now.
  [[nodiscard]] std::optional<std::string> receive() const;

  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  explicit UdpSocket(UniqueFd socket) : socket_(std::move(socket)) {}

  UniqueFd socket_;
};

}  // namespace kestrel::sys
