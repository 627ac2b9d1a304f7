// What is said to the guest's API before a connection is handed to its user. Pure.
//
// A published port's connection begins with `CONNECT 127.0.0.1:PORT`, which the guest answers with 200 and
// then joins to its loopback. A connection of api.sock begins with `GET /v1/session`, which it answers with
// 204: from then on whatever is asked on that connection counts as authenticated, so that plain curl works.
// Both carry the boot's token.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "hostd/vsock/device.h"

namespace kestrel::hostd {

[[nodiscard]] vsock::Preamble tunnel_preamble(std::uint16_t guest_port, std::string_view token);
[[nodiscard]] vsock::Preamble session_preamble(std::string_view token);

/// The step that `received` makes when an answer with `status` and no body is awaited.
[[nodiscard]] vsock::PreambleStep read_answer(std::string_view received, int status);

}  // namespace kestrel::hostd
