// Where a network probe goes, and how its failure to get there reads.
#pragma once

#include <cctype>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::probes {

/// Connecting takes at most as long as the probe may; core's deadline comes first.
inline constexpr Duration connect_limit = hours(1);

/// There is no resolver in PID 1: the only name that is known is `localhost`.
[[nodiscard]] inline Result<sys::UniqueFd> connect_to(const std::string& host, std::uint16_t port) {
  return sys::connect_tcp(host == "localhost" ? "127.0.0.1" : host, port);
}

/// `HOST:PORT` as a URL has it.
[[nodiscard]] inline std::string authority(const std::string& host, std::uint16_t port) {
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return is_ipv6 ? concat('[', host, "]:", port) : concat(host, ':', port);
}

/// The bare cause, for a sentence that already tells what was tried: `connection refused`.
[[nodiscard]] inline std::string cause_of(const Error& error) {
  if (error.code == 0 || error.code == EINVAL) return error.message;
  std::string cause = std::strerror(error.code);
  cause[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(cause[0])));
  return cause;
}

}  // namespace kestrel::probes
