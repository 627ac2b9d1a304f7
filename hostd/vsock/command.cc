#include "hostd/vsock/command.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hostd/exit_status.h"
#include "hostd/vsock/device.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd::vsock {

namespace {

constexpr const char* description =
    "Give a QEMU guest a virtio socket device (vsock), without a kernel module and without root";

constexpr const char* examples = R"(Listens on --vhost for one QEMU and serves it until it ends.

Example:
  hostd vsock --vhost /tmp/vm.vhost --uds /tmp/vm.vsock --cid 42 &
  qemu-system-x86_64 -M q35,memory-backend=mem0 -m 512 \
    -object memory-backend-memfd,id=mem0,size=512M,share=on \
    -chardev socket,id=vsock0,path=/tmp/vm.vhost \
    -device vhost-user-vsock-pci,chardev=vsock0 ...

The guest's memory must be shared (share=on), or the device stays silent. With -M microvm the device is called
vhost-user-vsock-device. QEMU takes the CID from here.

Both sockets are private to you; --uds appears when QEMU has connected, and both go in the end.
  from the host   connect to /tmp/vm.vsock, write "CONNECT 1024\n", read "OK <n>\n":
                  from then on you talk to port 1024 of the guest
  from the guest  a connection to CID 2, port 9000 arrives at the Unix socket /tmp/vm.vsock_9000,
                  on which a server of yours listens
)";

struct Arguments {
  std::string vhost_path;
  DeviceOptions device;
};

/// Serves one VMM from its connection to its end.
class VsockServer {
 public:
  explicit VsockServer(Arguments arguments) : arguments_(std::move(arguments)) {}
  ~VsockServer() {
    if (listener_.is_open()) ::unlink(arguments_.vhost_path.c_str());
  }
  VsockServer(const VsockServer&) = delete;
  VsockServer& operator=(const VsockServer&) = delete;

  Result<void> run() {
    // The device opens it when QEMU comes; a path that cannot be used should show at once.
    if (auto usable = sys::listen_unix(arguments_.device.uds_path, 0600); !usable) return usable.error();
    ::unlink(arguments_.device.uds_path.c_str());
    auto socket = sys::listen_unix(arguments_.vhost_path, 0600);
    if (!socket) return socket.error();
    listener_ =
        loop::Listener(loop_, std::move(*socket), [this](sys::UniqueFd vmm) { serve(std::move(vmm)); });
    terminate_ = loop::SignalWatcher(loop_, SIGTERM, [this] { loop_.stop(); });
    interrupt_ = loop::SignalWatcher(loop_, SIGINT, [this] { loop_.stop(); });
    std::fprintf(stderr, "vsock: waiting for QEMU on %s\n", arguments_.vhost_path.c_str());
    loop_.run();
    if (failure_) return *failure_;
    return {};
  }

 private:
  void serve(sys::UniqueFd vmm) {
    if (device_) return;  // one VMM: any other is closed
    auto device = Device::create(loop_, arguments_.device, std::move(vmm), [this](const Error* error) {
      if (error != nullptr) failure_ = *error;
      loop_.stop();
    });
    if (!device) {
      failure_ = device.error();
      return loop_.stop();
    }
    device_ = std::move(*device);
    device_->on_driver_change(
        [](bool is_up) { std::fprintf(stderr, "vsock: the guest's driver is %s\n", is_up ? "up" : "down"); });
  }

  Arguments arguments_;
  loop::Loop loop_;
  loop::Listener listener_;
  loop::SignalWatcher terminate_;
  loop::SignalWatcher interrupt_;
  std::unique_ptr<Device> device_;
  std::optional<Error> failure_;
};

int serve(const Arguments& arguments) {
  // The sockets of many connections, each with a descriptor, need more than the usual 1,024.
  sys::use_all_open_files();
  const Result<void> ended = VsockServer(arguments).run();
  if (ended) return to_status(ExitCode::success);
  std::fprintf(stderr, "hostd vsock: %s\n", ended.error().message.c_str());
  return to_status(ExitCode::host_error);
}

}  // namespace

void add_vsock_command(CLI::App& app, std::function<int()>& action) {
  const auto arguments = std::make_shared<Arguments>();
  CLI::App* vsock = app.add_subcommand("vsock", description);
  vsock->footer(examples);
  vsock->add_option("--vhost", arguments->vhost_path, "Unix socket QEMU connects to (its chardev)")
      ->required()
      ->type_name("FILE");
  vsock
      ->add_option("--uds", arguments->device.uds_path,
                   "Unix socket for clients on the host; PATH_<port> for the guest's calls")
      ->required()
      ->type_name("FILE");
  vsock->add_option("--cid", arguments->device.cid, "the guest's context id")
      ->required()
      ->check(CLI::Range(3U, 0xfffffffeU));
  vsock
      ->add_option("--max-connections", arguments->device.max_connections, "refuse more than these at a time")
      ->capture_default_str();
  vsock->callback([arguments, &action] { action = [arguments] { return serve(*arguments); }; });
}

}  // namespace kestrel::hostd::vsock
