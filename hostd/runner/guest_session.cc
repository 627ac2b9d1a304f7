#include "hostd/runner/guest_session.h"

#include "hostd/link/guest_records.h"
#include "hostd/runner/secrets.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

GuestSession::GuestSession(loop::Loop& loop, GuestIdentity identity, GuestSessionCallbacks callbacks)
    : identity_(std::move(identity)),
      callbacks_(std::move(callbacks)),
      runtime_id_(random_hex(8)),
      link_(loop, link_callbacks()) {}

Result<void> GuestSession::open(const RuntimeDir& dir, LogLimits limits, const std::string& link_path) {
  auto events = RecordLog::open(dir.file(events_file), limits);
  if (!events) return events.error();
  auto logs = RecordLog::open(dir.file(logs_file), limits);
  if (!logs) return logs.error();
  events_ = std::move(*events);
  logs_ = std::move(*logs);
  // A runner before this one may have left records, whose numbers go on.
  if (const auto kept = sys::read_file(dir.file(runtime_id_file)); kept && kept->size() == runtime_id_.size())
    runtime_id_ = *kept;
  if (auto written = dir.write(runtime_id_file, runtime_id_); !written) return written;
  return link_.listen(link_path);
}

void GuestSession::recall_boot() {
  recorded_ = read_recorded_boot(events_, logs_);
  link_.recall(recorded_.boot_id, recorded_.received);
}

void GuestSession::forget_boot() {
  hello_.reset();
  protocol_ = 0;
  token_.clear();
  is_callable_ = false;
  has_said_last_word_ = false;
}

std::optional<std::string> GuestSession::token_for_callers() const {
  return is_callable_ && link_.is_linked() ? std::optional(token_) : std::nullopt;
}

bool GuestSession::tell_resumed(std::uint64_t id, Duration paused) {
  return link_.send(wire::Resumed{.id = id,
                                  .time_ns = Duration(sys::wall_now().time_since_epoch()).count(),
                                  .paused_ms = to_ms(paused),
                                  .entropy = random_hex(64)});
}

// --- what the guest says ----------------------------------------------------------------------------------

LinkCallbacks GuestSession::link_callbacks() {
  LinkCallbacks callbacks;
  callbacks.on_hello = [this](const wire::Hello& hello) { return greet(hello); };
  callbacks.on_event = [this](const wire::EventMessage& event) { take_event(event); };
  callbacks.on_log = [this](const wire::LogMessage& log) {
    record(logs_, record_of(log));
    callbacks_.on_log(log);
  };
  callbacks.on_gap = [this](const wire::Gap& gap) { take_gap(gap); };
  callbacks.on_exiting = [this](const wire::Exiting& word) { take_exiting(word); };
  callbacks.on_resumed = [this](const wire::ResumedReport& report) { callbacks_.on_resumed(report); };
  callbacks.on_lost = [this](std::string_view reason) { link_lost(reason); };
  return callbacks;
}

Result<wire::Welcome> GuestSession::greet(const wire::Hello& hello) {
  const auto agreed = wire::agree_on_protocol(hello.min_protocol, hello.protocol);
  if (!agreed) {
    callbacks_.on_refused(agreed.error().message);
    return agreed.error();
  }
  const bool needs_devices = !identity_.mounts.empty() || identity_.network;
  if (needs_devices && *agreed < wire::protocol_with_devices) {
    const Error error{concat("kestrel ", hello.version, " in the guest is too old for ",
                             identity_.network ? "a network" : "volumes")};
    callbacks_.on_refused(error.message);
    return error;
  }
  const bool is_known_boot = hello_ && hello_->boot_id == hello.boot_id;
  const bool is_recorded_boot = !recorded_.boot_id.empty() && recorded_.boot_id == hello.boot_id;
  if (!is_known_boot) {
    forget_boot();
    token_ = random_hex(32);
    has_said_last_word_ = is_recorded_boot && recorded_.received.exiting;
    first_log_ = is_recorded_boot ? recorded_.first_log : logs_.last_seq() + 1;
  }
  hello_ = hello;
  protocol_ = *agreed;
  record(events_,
         record_of(hello, protocol_,
                   is_known_boot || is_recorded_boot ? Acquaintance::known_boot : Acquaintance::new_boot,
                   first_log_, sys::wall_now()));
  callbacks_.on_hello();

  wire::Welcome welcome;
  welcome.protocol = protocol_;
  welcome.runtime_id = runtime_id_;
  welcome.token = token_;
  welcome.hostname = identity_.hostname;
  welcome.env = identity_.env;
  welcome.image_env = identity_.image_env;
  welcome.user_data = identity_.user_data;
  welcome.mounts = identity_.mounts;
  welcome.network = identity_.network;
  welcome.time_ns = Duration(sys::wall_now().time_since_epoch()).count();
  welcome.entropy = random_hex(64);
  return welcome;
}

void GuestSession::take_event(const wire::EventMessage& event) {
  record(events_, record_of(event));
  // A guest waits for its network before it begins, and so before it listens.
  if (!event.type.starts_with("network.")) become_callable();
  callbacks_.on_event(event);
}

void GuestSession::become_callable() {
  if (std::exchange(is_callable_, true)) return;
  callbacks_.on_callable();
}

void GuestSession::take_gap(const wire::Gap& gap) {
  const bool is_of_logs = gap.of == wire::Gap::Of::logs;
  record(is_of_logs ? logs_ : events_, record_of(gap, sys::wall_now()));
  if (is_of_logs) callbacks_.on_lost_logs(gap.last - gap.first + 1);
}

void GuestSession::take_exiting(const wire::Exiting& word) {
  if (!has_said_last_word_) record(events_, record_of(word, sys::wall_now()));
  has_said_last_word_ = true;
  callbacks_.on_exiting(word);
}

void GuestSession::link_lost(std::string_view reason) {
  if (!has_said_last_word_) {
    log_info("the link to the guest was lost: ", reason);
    record(events_, record_of_loss(reason, sys::wall_now()));
  }
  callbacks_.on_lost();
}

// --- records ----------------------------------------------------------------------------------------------

/// A full disk loses records, and says so once; it must not end the VM.
void GuestSession::record(RecordLog& log, std::string_view members) {
  const auto written = log.append(members);
  if (!written && !is_losing_records_) log_error("records are being lost: ", written.error().message);
  is_losing_records_ = !written;
}

void GuestSession::record_host_event(std::string_view type, std::string_view data) {
  record(events_, host_event(sys::wall_now(), type, data));
}

}  // namespace kestrel::hostd
