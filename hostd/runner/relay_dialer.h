// Ways into a guest that lead over a socket of somebody else's, so that the bytes are relayed.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "hostd/runner/guest_dialer.h"
#include "hostd/vsock/opening.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/relay.h"

namespace kestrel::hostd {

class RelayDialer final : public GuestDialer {
 public:
  struct Way {
    /// connect() is done or under way.
    std::function<Result<sys::UniqueFd>(std::uint32_t port)> dial;
    /// Said first, and answered by a line that begins with `OK `; empty: nothing, the socket is the guest's.
    std::function<std::string(std::uint32_t port)> request;
  };
  /// `call_time`: whoever accepts must also answer, to both the request and the preamble (ETIMEDOUT).
  RelayDialer(loop::Loop& loop, Way way, Duration call_time = seconds(10));
  ~RelayDialer() override;

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    open(port, std::move(host), {.preamble = std::move(preamble), .done = std::move(done)});
  }
  void open(std::uint32_t port, sys::UniqueFd host, vsock::Opening opening);

  [[nodiscard]] std::size_t connections() const { return calls_.size() + relays_.size(); }

 private:
  class Call;
  void join(sys::UniqueFd guest, sys::UniqueFd host, std::string received);
  void drop(Call& call);

  loop::Loop& loop_;
  Way way_;
  Duration call_time_;
  loop::RelayBuffer buffer_{};
  std::list<std::shared_ptr<Call>> calls_;
  std::list<std::unique_ptr<loop::Relay>> relays_;
};

/// Through the Unix socket of Firecracker's convention, which Cloud Hypervisor and `hostd vsock` follow, too:
/// a client writes `CONNECT <port>\n`, reads `OK <n>\n`, and is then joined to that port of the guest.
[[nodiscard]] RelayDialer::Way hybrid_way(std::string socket_path);
/// Through the kernel, whose own device the guest has.
[[nodiscard]] RelayDialer::Way kernel_way(std::uint32_t cid);

}  // namespace kestrel::hostd
