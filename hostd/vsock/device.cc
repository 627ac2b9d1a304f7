#include "hostd/vsock/device.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "hostd/vsock/host_acceptor.h"
#include "hostd/vsock/muxer.h"
#include "hostd/vsock/ring_pump.h"
#include "hostd/vsock/vhost_session.h"
#include "hostd/vsock/vmm_channel.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd::vsock {

struct Device::Impl {
  Impl(loop::Loop& on, DeviceOptions with, sys::UniqueFd vmm, std::function<void(const Error*)> ended)
      : loop(on),
        options(std::move(with)),
        on_end(std::move(ended)),
        channel(std::move(vmm)),
        session(options.cid),
        muxer(loop, muxer_options(), [this] { pump_rings(); }),
        pump(loop, session, muxer),
        vmm_watcher(loop, channel.fd(), [this](loop::Interest) { on_vmm_readable(); }) {
    vmm_watcher.watch({.readable = true});
  }

  Result<void> open_host_socket();
  MuxerOptions muxer_options();
  Result<sys::UniqueFd> dial(std::uint32_t port) const;
  void connect(std::uint32_t port, sys::UniqueFd host, Opening opening);

  void on_vmm_readable();
  Result<bool> handle_message();
  void end(const Error& error);

  void watch_kicks();
  void on_kick(VhostSession::RingIndex index);
  void pump_rings();
  void note_driver();
  void post(std::function<void()> task);

  /// What is posted to the loop does nothing once this is gone. It goes last: connections that end with the
  /// device still want to post.
  std::shared_ptr<char> alive = std::make_shared<char>();
  loop::Loop& loop;
  DeviceOptions options;
  std::function<void(const Error*)> on_end;
  std::function<void(bool)> on_driver_change;
  VmmChannel channel;
  VhostSession session;
  Muxer muxer;
  RingPump pump;
  std::unique_ptr<HostAcceptor> acceptor;
  loop::FdWatcher vmm_watcher;
  struct KickWatch {
    int fd = -1;
    loop::FdWatcher watcher;
  };
  std::array<KickWatch, VhostSession::ring_count> kicks;
  bool is_pump_posted = false;
  bool was_driver_up = false;
  bool has_ended = false;
};

namespace {

/// How many messages of the front-end are handled before others get a turn.
constexpr int messages_per_turn = 64;

Error no_driver(std::uint32_t port) {
  return errno_error(concat("cannot connect to port ", port, " of the guest: its driver is not up"),
                     ENOTCONN);
}

}  // namespace

Result<void> Device::Impl::open_host_socket() {
  if (options.uds_path.empty()) return {};
  auto opened = HostAcceptor::open(loop, options.uds_path, [this](std::uint32_t port, sys::UniqueFd client) {
    connect(port, std::move(client), {.greeting = Opening::Greeting::ok_line});
  });
  if (!opened) return opened.error();
  acceptor = std::move(*opened);
  return {};
}

MuxerOptions Device::Impl::muxer_options() {
  return {.cid = options.cid, .max_connections = options.max_connections, .dial = [this](std::uint32_t port) {
            return dial(port);
          }};
}

Result<sys::UniqueFd> Device::Impl::dial(std::uint32_t port) const {
  if (options.uds_path.empty()) return errno_error(concat("cannot serve port ", port), ECONNREFUSED);
  return sys::connect_unix(concat(options.uds_path, "_", port));
}

void Device::Impl::connect(std::uint32_t port, sys::UniqueFd host, Opening opening) {
  if (!session.is_driver_up()) {
    host.reset();
    if (opening.done) opening.done(no_driver(port));
    return;
  }
  ::fcntl(host.get(), F_SETFL, ::fcntl(host.get(), F_GETFL) | O_NONBLOCK);
  muxer.connect(port, std::move(host), std::move(opening));
}

void Device::Impl::on_vmm_readable() {
  for (int i = 0; i < messages_per_turn && !has_ended; ++i) {
    const auto handled = handle_message();
    if (!handled) return end(handled.error());
    if (!*handled) return;
  }
}

Result<bool> Device::Impl::handle_message() {
  auto message = channel.receive();
  if (!message) return message.error();
  if (!*message) return false;
  pump.announce_taken();
  const VhostSession::Outcome outcome = session.handle(std::move(**message));
  if (outcome.complaint) log_warning("vsock of CID ", options.cid, ": ", outcome.complaint->message);
  if (outcome.restarted_guest) muxer.drop_all(errno_error("the guest has restarted", ECONNRESET));
  if (outcome.rings_changed) {
    watch_kicks();
    note_driver();
    pump_rings();
  }
  if (!outcome.reply.empty()) {
    if (auto sent = channel.send(outcome.reply); !sent) return sent.error();
  }
  return true;
}

void Device::Impl::end(const Error& error) {
  if (std::exchange(has_ended, true)) return;
  vmm_watcher = {};
  channel.close();
  for (KickWatch& kick : kicks) kick = {};
  acceptor.reset();
  session = VhostSession(options.cid);
  muxer.drop_all(errno_error("the VM has ended", ENOTCONN));
  note_driver();
  post([this, error] { std::exchange(on_end, {})(error.code == 0 ? nullptr : &error); });
}

void Device::Impl::watch_kicks() {
  for (const auto index : {VhostSession::rx, VhostSession::tx}) {
    const Vring& ring = session.ring(index);
    const int wanted = ring.is_running() ? ring.kick.get() : -1;
    KickWatch& kick = kicks[index];
    if (kick.fd == wanted) continue;
    kick = {.fd = wanted, .watcher = {}};
    if (wanted < 0) continue;
    kick.watcher = loop::FdWatcher(loop, wanted, [this, index](loop::Interest) { on_kick(index); });
    kick.watcher.watch({.readable = true});
  }
}

void Device::Impl::on_kick(VhostSession::RingIndex index) {
  std::uint64_t count = 0;
  if (::read(kicks[index].fd, &count, sizeof count) == 0) kicks[index] = {};  // no eventfd, and at its end
  pump_rings();
}

void Device::Impl::pump_rings() {
  const bool is_up = session.is_driver_up();
  if (pump.run() && !is_pump_posted) {
    is_pump_posted = true;
    post([this] {
      is_pump_posted = false;
      pump_rings();
    });
  }
  if (!is_up || session.is_driver_up()) return;
  for (const auto index : {VhostSession::rx, VhostSession::tx}) {
    const std::string& fault = session.ring(index).queue.fault();
    if (!fault.empty())
      log_warning("vsock of CID ", options.cid, ": the guest broke ring ", std::uint32_t{index}, ": ", fault);
  }
  watch_kicks();
  note_driver();
}

void Device::Impl::note_driver() {
  post([this] {
    const bool is_up = session.is_driver_up();
    if (std::exchange(was_driver_up, is_up) == is_up) return;
    // A copy, because the callback may destroy the device.
    if (const auto callback = on_driver_change) callback(is_up);
  });
}

void Device::Impl::post(std::function<void()> task) {
  loop.post([task = std::move(task), token = std::weak_ptr(alive)] {
    if (!token.expired()) task();
  });
}

Device::Device(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Device::~Device() = default;

Result<std::unique_ptr<Device>> Device::create(loop::Loop& loop, DeviceOptions options, sys::UniqueFd vmm,
                                               std::function<void(const Error*)> on_end) {
  if (options.cid <= host_cid || options.cid >= 0xffffffff) {
    return Error{concat("cannot make a vsock device: CID ", options.cid, " is reserved"), EINVAL};
  }
  auto impl = std::make_unique<Impl>(loop, std::move(options), std::move(vmm), std::move(on_end));
  if (auto opened = impl->open_host_socket(); !opened) return opened.error().in("cannot make a vsock device");
  return std::unique_ptr<Device>(new Device(std::move(impl)));
}

void Device::connect(std::uint32_t port, sys::UniqueFd host, Preamble preamble,
                     std::function<void(Result<void>)> done) {
  auto posted = [impl = impl_.get(), done = std::move(done)](Result<void> outcome) {
    impl->post([done, outcome = std::move(outcome)] { done(outcome); });
  };
  impl_->connect(port, std::move(host), {.preamble = std::move(preamble), .done = std::move(posted)});
}

bool Device::is_driver_up() const { return impl_->session.is_driver_up(); }

void Device::on_driver_change(std::function<void(bool is_up)> callback) {
  impl_->on_driver_change = std::move(callback);
}

DeviceStats Device::stats() const { return impl_->muxer.stats(); }

}  // namespace kestrel::hostd::vsock
