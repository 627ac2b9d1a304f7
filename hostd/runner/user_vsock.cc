#include <sys/socket.h>

#include <cerrno>

#include "hostd/runner/guest_vsock.h"

namespace kestrel::hostd {

namespace {

/// Our own device, in this process, and QEMU's end of the socket that leads to it.
class UserVsock final : public GuestVsock {
 public:
  UserVsock(std::unique_ptr<vsock::Device> device, sys::UniqueFd vmm_end)
      : device_(std::move(device)), vmm_end_(std::move(vmm_end)) {}

  void connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
               std::function<void(Result<void>)> done) override {
    device_->connect(port, std::move(host), std::move(preamble), std::move(done));
  }
  [[nodiscard]] VsockFacts facts() const override {
    VsockFacts facts;
    facts.fd = vmm_end_.get();
    return facts;
  }
  /// The device sees the VMM's end by the end of the socket, which no other process may hold.
  void vmm_started() override { vmm_end_.reset(); }
  [[nodiscard]] bool is_driver_up() const override { return device_->is_driver_up(); }
  [[nodiscard]] VsockDevice device() const override { return VsockDevice::user; }
  [[nodiscard]] std::size_t connections() const override { return device_->stats().connections; }
  [[nodiscard]] std::optional<vsock::DeviceStats> stats() const override { return device_->stats(); }

 private:
  std::unique_ptr<vsock::Device> device_;
  sys::UniqueFd vmm_end_;
};

}  // namespace

GuestVsockResult open_user_vsock(loop::Loop& loop, const std::string& uds_path,
                                 GuestVsockCallbacks callbacks) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return errno_error("cannot create a socket pair", errno);
  sys::UniqueFd ours(ends[0]);
  sys::UniqueFd vmm_end(ends[1]);
  vsock::DeviceOptions options;
  options.uds_path = uds_path;
  const auto ended = [failed = std::move(callbacks.on_failed)](const Error* error) {
    if (error != nullptr) failed(*error);
  };
  auto device = vsock::Device::create(loop, std::move(options), std::move(ours), ended);
  if (!device) return device.error();
  (*device)->on_driver_change([came_up = std::move(callbacks.on_driver_up)](bool is_up) {
    if (is_up) came_up();
  });
  return std::unique_ptr<GuestVsock>(std::make_unique<UserVsock>(std::move(*device), std::move(vmm_end)));
}

}  // namespace kestrel::hostd
