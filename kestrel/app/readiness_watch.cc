#include "kestrel/app/readiness_watch.h"

#include <fcntl.h>

#include <array>
#include <cerrno>

#include "kestrel/app/notify_message.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

/// Messages of one turn of the loop, so that a talkative service does not keep it.
constexpr int most_messages_a_turn = 32;
/// More than a socket's queue holds at a time (net.unix.max_dgram_qlen), should somebody go on sending.
constexpr int most_last_messages = 1024;
/// A process that ends closes its descriptors a moment before its end is known, which is the better news.
constexpr Duration grace_after_closing = milliseconds(100);

constexpr std::string_view address_variable = "NOTIFY_SOCKET=";

core::Notified as_event(core::RunId run, NotifyMessage message) {
  return {.run = run,
          .is_ready = message.is_ready,
          .is_alive = message.is_alive,
          .gives_up = message.gives_up,
          .status = std::move(message.status),
          .main_pid = message.main_pid,
          .watchdog = message.watchdog,
          .extends_by = message.extends_by};
}

}  // namespace

ReadinessWatch::ReadinessWatch(loop::Loop& loop, ReadinessListener listener)
    : loop_(&loop), listener_(std::move(listener)) {}

Result<std::unique_ptr<ReadinessWatch>> ReadinessWatch::create(loop::Loop& loop,
                                                               const config::Readiness& readiness,
                                                               ReadinessListener listener) {
  std::unique_ptr<ReadinessWatch> watch;
  if (std::holds_alternative<config::ReadyWhenStarted>(readiness) ||
      std::holds_alternative<config::ReadyByTcp>(readiness)) {
    return watch;
  }
  watch.reset(new ReadinessWatch(loop, std::move(listener)));
  const auto opened = std::visit([&](const auto& way) { return watch->open(way); }, readiness);
  if (!opened) return opened.error();
  return watch;
}

Result<void> ReadinessWatch::open(const config::ReadyByNotify&) {
  auto socket = sys::NotifySocket::open();
  if (!socket) return socket.error();
  socket_ = std::move(*socket);
  watcher_ =
      loop::FdWatcher(*loop_, socket_->fd(), [this](loop::Interest) { hear_messages(most_messages_a_turn); });
  watcher_.watch({.readable = true});
  return {};
}

Result<void> ReadinessWatch::open(const config::ReadyByFd& way) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("cannot create a pipe", errno);
  reader_.reset(ends[0]);
  writer_.reset(ends[1]);
  descriptor_ = way.fd;
  silence_ = loop::Timer(*loop_, [this] {
    tell_later(core::ReadinessRuledOut{listener_.run,
                                       concat("it closed descriptor ", descriptor_, " without a word")});
  });
  watcher_ = loop::FdWatcher(*loop_, reader_.get(), [this](loop::Interest) { read_descriptor(); });
  watcher_.watch({.readable = true});
  return {};
}

Result<void> ReadinessWatch::open(const config::ReadyByLog& way) {
  auto pattern = probes::Pattern::create(way.pattern);
  if (!pattern) return pattern.error();
  pattern_ = std::move(*pattern);
  return {};
}

void ReadinessWatch::equip(sys::ProcessSpec& spec) const {
  if (socket_) {
    std::erase_if(spec.envp, [](const std::string& entry) { return entry.starts_with(address_variable); });
    spec.envp.push_back(concat(address_variable, socket_->address()));
  }
  if (writer_.is_open()) {
    spec.inherited.resize(static_cast<std::size_t>(descriptor_ - sys::first_inherited), -1);
    spec.inherited.push_back(writer_.get());
  }
}

void ReadinessWatch::tell_later(core::Event event) {
  loop_->post([tell = listener_.tell, event = std::move(event)] { tell(event); });
}

// --- log --------------------------------------------------------------------------------------------------

void ReadinessWatch::handle_line(std::string_view line) {
  if (!pattern_ || !pattern_->is_in(line)) return;
  pattern_.reset();
  tell_later(core::ReadinessReported{listener_.run});
}

// --- notify -----------------------------------------------------------------------------------------------

void ReadinessWatch::hear_rest() {
  if (socket_) hear_messages(most_last_messages);
}

void ReadinessWatch::hear_messages(int most) {
  for (int i = 0; i < most; ++i) {
    const auto notification = socket_->receive();
    if (!notification) return;
    hear(*notification);
  }
}

void ReadinessWatch::hear(const sys::Notification& notification) {
  if (!listener_.contains(notification.sender)) {
    if (std::exchange(has_met_stranger_, true)) return;
    return log_warning(listener_.service, ": a message of process ", notification.sender,
                       " is ignored, as are others from who does not belong to it or is gone");
  }
  if (notification.is_cut) {
    return log_warning(listener_.service, ": a message of more than ", sys::longest_notification,
                       " bytes is ignored");
  }
  auto message = parse_notify_message(notification.text);
  // The API has no words of its own for these two, so they stand where the service's own words do.
  if (!message.status && message.is_stopping) message.status = "stopping";
  if (!message.status && message.is_reloading) message.status = "reloading";
  if (!message.status && message.is_ready && is_reloading_) message.status = "";
  if (message.is_ready || message.is_reloading) is_reloading_ = message.is_reloading;
  listener_.tell(as_event(listener_.run, std::move(message)));
}

// --- fd ---------------------------------------------------------------------------------------------------

/// What follows the report is read and forgotten: the writer shall not be held up.
void ReadinessWatch::read_descriptor() {
  std::array<char, 512> buffer;
  const auto count = ::read(reader_.get(), buffer.data(), buffer.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
  if (count <= 0) {
    watcher_ = {};
    reader_.reset();
    if (!has_reported_) silence_.arm(grace_after_closing);
    return;
  }
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  if (has_reported_ || text.find('\n') == std::string_view::npos) return;
  has_reported_ = true;
  tell_later(core::ReadinessReported{listener_.run});
}

}  // namespace kestrel::app
