// Ends of vsock connections, for tests that run in a guest with the kernel's own loop (module
// vsock_loopback): there the guest is at CID 1 for itself.
#pragma once

#include <list>
#include <optional>

#include "kestrel/loop/connector.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/stream.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"

namespace kestrel::hostd {

/// VMADDR_CID_LOCAL of vsock(7).
inline constexpr std::uint32_t own_cid = 1;

struct VsockBench : LoopBench {
  /// Somebody who listens at a free port, and keeps whoever comes.
  VsockBench() {
    auto socket = sys::listen_vsock(sys::any_vsock_port);
    REQUIRE(socket);
    port = sys::bound_vsock_port(*socket).value_or(0);
    listener = loop::Listener(loop, std::move(*socket), [this](sys::UniqueFd accepted) {
      peer_cid = sys::vsock_peer_cid(accepted.get()).value_or(0);
      peer = loop::Stream(loop, std::move(accepted),
                          {.on_data = [this](std::string_view bytes) { heard.append(bytes); },
                           .on_end = [this](const Error*) { has_peer_ended = true; },
                           .on_drained = {}});
      peer.start_reading();
    });
  }

  /// The outcome of connect_vsock() and what follows.
  Result<sys::UniqueFd> connect(std::uint32_t cid, std::uint32_t to) {
    auto socket = sys::connect_vsock(cid, to);
    if (!socket) return socket;
    std::optional<Result<sys::UniqueFd>> outcome;
    loop::Connector connector(loop, std::move(*socket), seconds(60),
                              [&](Result<sys::UniqueFd> result) { outcome = std::move(result); });
    run_until([&] { return outcome.has_value(); });
    if (!outcome) return Error{"connect() did not end"};
    return std::move(*outcome);
  }

  loop::Listener listener;
  std::uint32_t port = 0;
  loop::Stream peer;
  std::uint32_t peer_cid = 0;
  std::string heard;
  bool has_peer_ended = false;
};

}  // namespace kestrel::hostd
