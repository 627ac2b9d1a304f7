#include "hostd/runner/guest_vsock.h"
#include "hostd/runner/relay_dialer.h"
#include "hostd/vsock/host_acceptor.h"
#include "hostd/vsock/kernel_device.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/listener.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

class KernelVsock final : public GuestVsock {
 public:
  KernelVsock(loop::Loop& loop, vsock::KernelDevice device, GuestVsockCallbacks callbacks)
      : loop_(loop),
        device_(std::move(device)),
        callbacks_(std::move(callbacks)),
        dialer_(loop, kernel_way(device_.cid)) {}

  Result<void> open(const std::string& uds_path) {
    auto link = sys::listen_vsock(sys::any_vsock_port);
    if (!link) return link.error();
    auto port = sys::bound_vsock_port(*link);
    if (!port) return port.error();
    link_port_ = *port;
    link_ =
        loop::Listener(loop_, std::move(*link), [this](sys::UniqueFd call) { take_call(std::move(call)); });
    const auto join = [this](std::uint32_t to, sys::UniqueFd client) {
      dialer_.open(to, std::move(client), {.greeting = vsock::Opening::Greeting::ok_line});
    };
    auto acceptor = vsock::HostAcceptor::open(loop_, uds_path, join);
    if (!acceptor) return acceptor.error();
    acceptor_ = std::move(*acceptor);
    return {};
  }

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    dialer_.connect(port, std::move(host), std::move(preamble), std::move(done));
  }
  [[nodiscard]] VsockFacts facts() const override {
    return {.fd = device_.fd.get(), .kernel_cid = device_.cid, .link_port = link_port_};
  }
  void vmm_started() override {}
  [[nodiscard]] bool is_driver_up() const override { return has_called_; }
  [[nodiscard]] VsockDevice device() const override { return VsockDevice::native; }
  [[nodiscard]] std::size_t connections() const override { return dialer_.connections(); }
  [[nodiscard]] std::optional<vsock::DeviceStats> stats() const override { return std::nullopt; }

 private:
  /// Other guests and programs of this host may dial the port, too.
  void take_call(sys::UniqueFd call) {
    const auto cid = sys::vsock_peer_cid(call.get());
    if (!cid || *cid != device_.cid) {
      log_warning("a stranger called for the guest of CID ", device_.cid, ": ",
                  cid ? concat("CID ", *cid) : cid.error().message);
      return;
    }
    // Its driver has brought the call here.
    if (!std::exchange(has_called_, true)) callbacks_.on_driver_up();
    callbacks_.on_link(std::move(call));
  }

  loop::Loop& loop_;
  vsock::KernelDevice device_;  ///< the CID stays the guest's until all below is closed
  GuestVsockCallbacks callbacks_;
  bool has_called_ = false;
  std::uint32_t link_port_ = 0;
  RelayDialer dialer_;
  loop::Listener link_;
  std::unique_ptr<vsock::HostAcceptor> acceptor_;
};

}  // namespace

GuestVsockResult open_kernel_vsock(loop::Loop& loop, const std::string& uds_path,
                                   GuestVsockCallbacks callbacks) {
  auto device = vsock::open_kernel_device();
  if (!device) return device.error();
  auto opened = std::make_unique<KernelVsock>(loop, std::move(*device), std::move(callbacks));
  if (auto result = opened->open(uds_path); !result) return result.error();
  return std::unique_ptr<GuestVsock>(std::move(opened));
}

}  // namespace kestrel::hostd
