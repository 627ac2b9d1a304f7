// Where a network probe goes.
#pragma once

#include <cstdint>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/sys/socket.h"

namespace kestrel::probes {

/// Connecting takes at most as long as the probe may; core's deadline comes first.
inline constexpr Duration connect_limit = hours(1);

/// There is no resolver in PID 1: the only name that is known is `localhost`.
[[nodiscard]] inline Result<sys::UniqueFd> connect_to(const std::string& host, std::uint16_t port) {
  return sys::connect_tcp(host == "localhost" ? "127.0.0.1" : host, port);
}

}  // namespace kestrel::probes
