#include "kestrel/app/vmm_notifier.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::app {

namespace {

/// For the connection, and again for the VMM to read what came on it.
constexpr Duration delivery_limit = seconds(5);
constexpr std::size_t events_at_once = 64;
/// More than these can only be news of a health that goes up and down, of which the oldest are not missed.
constexpr std::size_t longest_queue = 16;

std::string reason_of(const control::EventRecord& event) {
  const auto data = nlohmann::json::parse(std::string_view(event.data), nullptr, false);
  const auto reason = data.is_object() ? data.find("reason") : data.end();
  return data.is_object() && reason != data.end() && reason->is_string()
             ? printable(reason->get<std::string>())
             : std::string();
}

}  // namespace

std::optional<std::string> notification_of(const control::EventRecord& event) {
  if (event.type == "vm.booted") return "STATUS=Starting services";
  if (event.type == "vm.ready") return "READY=1\nSTATUS=All services are up";
  if (event.type == "vm.healthy") return "STATUS=Healthy";
  if (event.type == "vm.stopping") return "STOPPING=1\nSTATUS=Shutting down";
  if (event.type != "vm.unhealthy") return std::nullopt;
  const std::string reason = reason_of(event);
  return concat("STATUS=Unhealthy", reason.empty() ? "" : ": ", reason);
}

std::string exit_notification(int status, core::PowerAction action) {
  return concat("EXIT_STATUS=", status,
                "\nX_SYSTEMD_SHUTDOWN=", action == core::PowerAction::reboot ? "reboot" : "poweroff");
}

VmmNotifier::Dial dial_of(const NotifyTarget& target) {
  return std::visit(overloaded{
                        [](const VsockTarget& one) {
                          return VmmNotifier::Dial([one] {
                            if (one.kind == VsockKind::stream) return sys::connect_vsock(one.cid, one.port);
                            auto packets = sys::connect_vsock_packets(one.cid, one.port);
                            if (packets || one.kind == VsockKind::packets) return packets;
                            return sys::connect_vsock(one.cid, one.port);
                          });
                        },
                        [](const UnixTarget& one) {
                          return VmmNotifier::Dial([one] { return sys::connect_unix(one.path); });
                        },
                    },
                    target);
}

VmmNotifier::VmmNotifier(loop::Loop& loop, Dial dial, control::EventJournal& events)
    : loop_(&loop),
      dial_(std::move(dial)),
      events_(&events),
      read_timer_(loop, [this] { read_events(); }),
      next_timer_(loop, [this] { go_on(); }),
      close_limit_(loop,
                   [this] {
                     if (const auto done = std::exchange(done_, nullptr)) done();
                   }),
      follower_(events.followers(), [this] { read_timer_.arm(Duration::zero()); }) {
  read_timer_.arm(Duration::zero());
}

void VmmNotifier::read_events() {
  while (read_through_ < events_->last_seq()) {
    const auto batch = events_->read(read_through_, events_at_once);
    if (batch.gap) read_through_ = batch.gap->last;
    for (const auto& event : batch.records) {
      read_through_ = event.seq;
      if (auto message = notification_of(event)) send(std::move(*message));
    }
  }
  follower_.wait();
}

void VmmNotifier::send(std::string message) {
  if (queue_.size() >= longest_queue) forget_a_status();
  queue_.push_back(std::move(message));
  if (std::holds_alternative<Idle>(state_)) next_timer_.arm(Duration::zero());
}

void VmmNotifier::forget_a_status() {
  const auto oldest = std::find_if(queue_.begin() + 1, queue_.end(),
                                   [](const std::string& message) { return message.starts_with("STATUS="); });
  if (oldest != queue_.end()) queue_.erase(oldest);
}

void VmmNotifier::go_on() {
  if (!std::holds_alternative<Idle>(state_)) return;
  if (queue_.empty()) {
    if (const auto done = std::exchange(done_, nullptr)) done();
    return;
  }
  auto socket = dial_();
  if (!socket) return finish_message(&socket.error());
  state_ = Dialling{
      loop::Connector(*loop_, std::move(*socket), delivery_limit, [this](Result<sys::UniqueFd> connected) {
        if (!connected) return finish_message(&connected.error());
        deliver(std::move(*connected));
      })};
}

void VmmNotifier::deliver(sys::UniqueFd socket) {
  loop::Stream stream(*loop_, std::move(socket),
                      {.on_data = [](std::string_view) {},
                       .on_end = [this](const Error* error) { finish_message(error); },
                       .on_drained = {}});
  stream.start_reading();
  stream.write(queue_.front());
  stream.shutdown();
  loop::Timer limit(*loop_, [this] {
    const Error error{"nobody reads what the guest tells"};
    finish_message(&error);
  });
  limit.arm(delivery_limit);
  state_ = Sending{std::move(stream), std::move(limit)};
}

void VmmNotifier::finish_message(const Error* error) {
  if (error != nullptr && !std::exchange(has_failed_, true))
    log_warning("cannot tell the VMM how the guest is: ", error->message);
  queue_.pop_front();
  state_ = Idle{};
  next_timer_.arm(Duration::zero());
}

void VmmNotifier::close(int status, core::PowerAction action, std::function<void()> done, Duration limit) {
  read_events();
  follower_ = {};
  read_timer_.disarm();
  done_ = std::move(done);
  send(exit_notification(status, action));
  close_limit_.arm(limit);
}

}  // namespace kestrel::app
