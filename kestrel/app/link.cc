#include "kestrel/app/link.h"

#include <algorithm>

#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"

namespace kestrel::app {

namespace {

/// As much may wait in the connection's queue; the rest waits in the rings, where it is bounded.
constexpr std::size_t enough_queued = 256 * 1024;
constexpr std::size_t events_at_once = 64;

}  // namespace

Link::Link(loop::Loop& loop, Dial dial, control::EventJournal& events, control::LogRing& logs,
           Callbacks callbacks, Timing timing)
    : loop_(&loop),
      dial_(std::move(dial)),
      events_(&events),
      logs_(&logs),
      callbacks_(std::move(callbacks)),
      timing_(timing),
      pump_timer_(loop, [this] { pump(); }),
      events_follower_(events.followers(), [this] { pump_timer_.arm(Duration::zero()); }),
      logs_follower_(logs.followers(), [this] { pump_timer_.arm(Duration::zero()); }),
      next_retry_(timing.first_retry),
      sent_logs_(logs.cursor_at(0)) {}

void Link::open() { dial(); }

std::uint64_t Link::unacknowledged() const {
  return events_->last_seq() - acknowledged_events_ + logs_->last_seq() - acknowledged_logs_;
}

// --- getting a connection ---------------------------------------------------------------------------------

void Link::dial() {
  auto socket = dial_();
  if (!socket) return lose(socket.error().message);
  state_ = Dialling{
      loop::Connector(*loop_, std::move(*socket), timing_.connect, [this](Result<sys::UniqueFd> connected) {
        if (!connected) return lose(connected.error().message);
        upgrade(std::move(*connected));
      })};
}

loop::StreamCallbacks Link::stream_callbacks() {
  return {.on_data = [this](std::string_view bytes) { receive(bytes); },
          .on_end = [this](const Error* error) { lose(error ? error->message : "the host closed it"); },
          .on_drained = [this] { pump(); }};
}

void Link::upgrade(sys::UniqueFd socket) {
  loop::Stream stream(*loop_, std::move(socket), stream_callbacks());
  stream.start_reading();
  stream.write(wire::serialize(
      wire::Request{.method = "GET",
                    .target = "/v1/link",
                    .headers = {{"Host", "host"}, {"Connection", "Upgrade"}, {"Upgrade", "kestrel-link/1"}},
                    .body = {}}));
  wire::ResponseReader reader(kibibytes(16));
  loop::Timer limit(*loop_, [this] { lose("the host does not greet"); });
  limit.arm(timing_.greeting);
  state_ = Upgrading{std::move(stream), std::move(reader), std::move(limit)};
}

void Link::lose(std::string_view why) {
  log_debug("link: ", why);
  if (farewell_ && farewell_->is_sent) farewell_->is_sent = false;
  loop::Timer retry(*loop_, [this] { dial(); });
  retry.arm(next_retry_);
  next_retry_ = std::min(next_retry_ * 2, timing_.slowest_retry);
  sent_events_ = acknowledged_events_;
  sent_logs_ = logs_->cursor_at(acknowledged_logs_);
  state_ = Waiting{std::move(retry)};
}

// --- receiving --------------------------------------------------------------------------------------------

void Link::receive(std::string_view bytes) {
  if (std::holds_alternative<Upgrading>(state_)) {
    receive_upgrade(bytes);
  } else {
    receive_lines(bytes);
  }
}

void Link::receive_upgrade(std::string_view bytes) {
  auto& upgrading = std::get<Upgrading>(state_);
  const auto answer = upgrading.reader.feed(bytes);
  if (!answer) return lose(answer.error().message);
  if (!*answer) return;
  if ((*answer)->status != 101) return lose(concat("the host answered ", (*answer)->status));
  const auto rest = upgrading.reader.take_rest();
  state_ = Greeting{std::move(upgrading.stream), wire::LineReader(), std::move(upgrading.limit)};
  std::get<Greeting>(state_).stream.write(wire::encode(wire::GuestMessage(callbacks_.make_hello())));
  if (!rest.empty()) receive_lines(rest);
}

void Link::receive_lines(std::string_view bytes) {
  auto* greeting = std::get_if<Greeting>(&state_);
  auto* up = std::get_if<Up>(&state_);
  if (!greeting && !up) return;
  const auto lines = (greeting ? greeting->lines : up->lines).feed(bytes);
  if (!lines) return lose(lines.error().message);
  for (const auto& line : *lines) {
    const auto message = wire::decode_host_message(line);
    if (!message) return lose(message.error().message);
    if (*message) handle(**message);
    if (!stream()) return;
  }
  if (std::holds_alternative<Up>(state_)) watch_silence();
}

void Link::handle(const wire::HostMessage& message) {
  std::visit(overloaded{
                 [this](const wire::Welcome& one) { welcome(one); },
                 [this](const wire::Ack& ack) { acknowledge(ack); },
                 [this](const wire::Ping& ping) { answer(ping); },
                 [this](const wire::Resumed& resumed) { answer(resumed); },
             },
             message);
}

void Link::welcome(const wire::Welcome& message) {
  auto* greeting = std::get_if<Greeting>(&state_);
  if (!greeting) return;
  if (message.protocol < wire::oldest_protocol || message.protocol > wire::protocol)
    return lose(concat("the host has chosen protocol ", message.protocol, ", which is not ours"));
  state_ = Up{std::move(greeting->stream), std::move(greeting->lines),
              loop::Timer(*loop_, [this] { lose("the host has fallen silent"); })};
  next_retry_ = timing_.first_retry;
  callbacks_.on_welcome(message);
  pump_timer_.arm(Duration::zero());
}

void Link::acknowledge(const wire::Ack& ack) {
  const auto before = unacknowledged();
  acknowledged_events_ = std::clamp(ack.events, acknowledged_events_, sent_events_);
  acknowledged_logs_ = std::clamp(ack.logs, acknowledged_logs_, sent_logs_.after);
  logs_->take_through(acknowledged_logs_);
  if (farewell_ && unacknowledged() < before) wait_on();
  if (ack.exiting && farewell_ && farewell_->is_sent) finish(true);
}

void Link::answer(const wire::Ping& ping) {
  if (auto* up = std::get_if<Up>(&state_); up && ping.id != 0)
    up->stream.write(wire::encode(wire::GuestMessage(wire::Pong{ping.id})));
}

void Link::answer(const wire::Resumed& message) {
  auto* up = std::get_if<Up>(&state_);
  if (!up || !callbacks_.on_resumed) return;
  auto report = callbacks_.on_resumed(message);
  report.id = message.id;
  up->stream.write(wire::encode(wire::GuestMessage(report)));
}

/// From what was just heard of the host, or was just sent to it: it owes an answer, or nothing.
void Link::watch_silence() {
  auto& up = std::get<Up>(state_);
  if (unacknowledged() == 0) {
    up.silence.disarm();
  } else {
    up.silence.arm(timing_.silence);
  }
}

// --- sending ----------------------------------------------------------------------------------------------

loop::Stream* Link::stream() {
  if (auto* up = std::get_if<Up>(&state_)) return &up->stream;
  if (auto* greeting = std::get_if<Greeting>(&state_)) return &greeting->stream;
  return nullptr;
}

std::size_t Link::queued_bytes() const {
  const auto* up = std::get_if<Up>(&state_);
  return up ? up->stream.queued_bytes() : 0;
}

void Link::pump() {
  auto* up = std::get_if<Up>(&state_);
  if (!up || (farewell_ && farewell_->is_sent)) return;
  if (!up->silence.is_armed()) watch_silence();
  pump_events(up->stream);
  pump_logs(up->stream);
  const bool is_done = sent_events_ == events_->last_seq() && sent_logs_.after >= logs_->last_seq();
  if (!is_done) {
    if (up->stream.queued_bytes() < enough_queued) pump_timer_.arm(Duration::zero());
    return;
  }
  events_follower_.wait();
  logs_follower_.wait();
  if (!farewell_) return;
  farewell_->is_sent = true;
  up->stream.write(wire::encode(wire::GuestMessage(farewell_->exiting)));
}

void Link::pump_events(loop::Stream& stream) {
  while (stream.queued_bytes() < enough_queued) {
    auto batch = events_->read(sent_events_, events_at_once);
    if (batch.gap) {
      stream.write(wire::encode(wire::GuestMessage(*batch.gap)));
      sent_events_ = batch.gap->last;
    }
    if (batch.records.empty()) return;
    std::string lines;
    for (auto& record : batch.records) {
      sent_events_ = record.seq;
      lines += wire::encode(wire::GuestMessage(std::move(record)));
    }
    stream.write(std::move(lines));
  }
}

void Link::pump_logs(loop::Stream& stream) {
  while (stream.queued_bytes() < enough_queued) {
    const auto items = logs_->read(sent_logs_, {});
    if (items.empty()) return;
    std::string lines;
    for (const auto& item : items) {
      lines += std::visit(
          overloaded{
              [this](const control::LogRecord& record) {
                return wire::encode(
                    wire::GuestMessage(wire::LogMessage{.seq = record.seq,
                                                        .time = record.time,
                                                        .service = logs_->name(record.source),
                                                        .stream = std::string(name_of(record.stream)),
                                                        .line = std::string(record.line)}));
              },
              [](const control::LogGap& gap) {
                return wire::encode(wire::GuestMessage(wire::Gap{wire::Gap::Of::logs, gap.first, gap.last}));
              },
          },
          item);
    }
    stream.write(std::move(lines));
  }
}

void Link::close(const wire::Exiting& exiting, Patience patience, std::function<void(bool)> done) {
  farewell_ = Farewell{.exiting = exiting,
                       .done = std::move(done),
                       .timer = loop::Timer(*loop_, [this] { finish(false); }),
                       .patience = patience.patience,
                       .limit = loop_->now() + patience.limit};
  wait_on();
  pump_timer_.arm(Duration::zero());
}

/// The host may be slow with a full ring as long as it gets on.
void Link::wait_on() { farewell_->timer.arm(std::min(loop_->now() + farewell_->patience, farewell_->limit)); }

void Link::finish(bool is_acknowledged) {
  const auto done = std::move(farewell_->done);
  farewell_.reset();
  state_ = Closed{};
  done(is_acknowledged);
}

}  // namespace kestrel::app
