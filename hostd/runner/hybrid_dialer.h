// The way into a guest whose VMM is somebody else's: through the Unix socket of Firecracker's convention,
// which Cloud Hypervisor and `hostd vsock` follow, too: a client writes `CONNECT <port>\n`, reads `OK <n>\n`,
// and is then joined to that port of the guest.
#pragma once

#include <list>
#include <memory>
#include <string>

#include "hostd/runner/guest_dialer.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/relay.h"

namespace kestrel::hostd {

class HybridDialer final : public GuestDialer {
 public:
  /// `call_time`: whoever accepts must also answer, to both the request and the preamble (ETIMEDOUT).
  HybridDialer(loop::Loop& loop, std::string socket_path, Duration call_time = seconds(10));
  ~HybridDialer() override;

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override;

  [[nodiscard]] std::size_t connections() const { return calls_.size() + relays_.size(); }

 private:
  class Call;
  void join(sys::UniqueFd guest, sys::UniqueFd host, std::string received);
  void drop(Call& call);

  loop::Loop& loop_;
  std::string socket_path_;
  Duration call_time_;
  loop::RelayBuffer buffer_{};
  std::list<std::shared_ptr<Call>> calls_;
  std::list<std::unique_ptr<loop::Relay>> relays_;
};

}  // namespace kestrel::hostd
