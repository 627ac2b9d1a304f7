// What a VM's runner records, taken over into the registry, until the run is over and all of it is there.
#include <unistd.h>

#include <cerrno>

#include "hostd/daemon/managed_vm.h"
#include "hostd/daemon/process_handle.h"
#include "hostd/fleet/fleet_event.h"
#include "hostd/records/record_reader.h"
#include "hostd/runner/control_server.h"
#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

/// More files than any limit leaves.
constexpr unsigned most_files = 100;

std::string last_line(std::string_view text) {
  const std::string_view trimmed = trim(text);
  return printable(trimmed.substr(trimmed.rfind('\n') + 1));
}

}  // namespace

// --- records ----------------------------------------------------------------------------------------------

void ManagedVm::follow() {
  partial_line_.clear();
  // What broke off may be on the stack below us.
  loop_.post([gone = std::shared_ptr<HttpFollow>(std::move(follow_))] {});
  follow_ = std::make_unique<HttpFollow>(
      loop_, file(runner_socket),
      wire::Request{.method = "GET",
                    .target = concat("/v1/events?follow=1&after=", record_.run.seen,
                                     "&runtime_id=", wire::percent_encode(record_.run.runtime_id))},
      runner_answer_time,
      FollowCallbacks{
          .on_head = [this](const wire::Response& head, int peer_pid) { follow_began(head, peer_pid); },
          .on_body = [this](std::string_view bytes) { take_bytes(bytes); },
          .on_end = [this](const Error*) { follow_ended(); }});
}

void ManagedVm::follow_began(const wire::Response& head, int peer_pid) {
  if (head.status / 100 != 2) return;
  record_.run.runner_pid = peer_pid;
  record_.run.runner_start_ticks = start_ticks_of(peer_pid);
}

void ManagedVm::follow_ended() { handle(tracking::FollowingEnded{record_.run.outcome.has_value(), lock()}); }

void ManagedVm::take_bytes(std::string_view bytes) {
  partial_line_.append(bytes);
  const std::size_t end = partial_line_.rfind('\n');
  if (end == std::string::npos) return;
  const auto taken = take_records(std::string_view(partial_line_).substr(0, end));
  partial_line_.erase(0, end + 1);
  if (taken) return refresh();
  log_error("cannot take over what ", record_.name, " records: ", taken.error().message);
  // They are in the runner's files, and are asked for again.
  loop_.post([gone = std::shared_ptr<HttpFollow>(std::move(follow_))] {});
  handle(tracking::FollowingEnded{false, FolderLock::held});
}

Result<void> ManagedVm::take_records(std::string_view lines) {
  VmRecord next = record_;
  const std::string ip = status_ ? status_->ip : "";
  const auto done = registry_.transact([&]() -> Result<void> {
    for (const std::string_view line : split(lines, '\n')) {
      const auto event = event_of_record(line, next, ip, sys::wall_now());
      if (!event || event->record_seq <= next.run.seen) continue;
      const auto appended = registry_.append_event(next.name, event->name, event->members);
      if (!appended) return appended.error();
      next.run.seen = event->record_seq;
      if (!event->outcome) continue;
      next.run.outcome = event->outcome;
      next.run.ended = sys::wall_now();
    }
    return registry_.save(next);
  });
  if (!done) return done;
  record_ = std::move(next);
  watcher_.on_events();
  return {};
}

void ManagedVm::refresh() {
  if (std::exchange(is_refreshing_, true)) return;
  calls_.ask(file(runner_socket), {.method = "GET", .target = "/v1/vm"}, runner_answer_time,
             [this](const Result<wire::Response>& response) {
               is_refreshing_ = false;
               auto status = response ? parse_runner_status(response->body) : response.error();
               if (!status || status->runtime_id != record_.run.runtime_id) return;
               status_ = std::move(*status);
               watcher_.on_change(*this);
             });
}

// --- the end of a run -------------------------------------------------------------------------------------

/// The run was written down but not begun, or the host, or what was below /run, is another one since.
bool ManagedVm::is_to_begin_anew() const {
  if (!record_.is_wanted || is_known_to_have_begun_) return false;
  const bool has_folder = ::access(record_.spec.runtime_dir.c_str(), F_OK) == 0;
  const bool has_begun = ::access(file(runtime_id_file).c_str(), F_OK) == 0;
  return !has_folder || (!has_begun && record_.run.runtime_id.empty());
}

/// What its runner had recorded when nobody listened.
Result<void> ManagedVm::take_rest() {
  const auto runtime_id = sys::read_file(file(runtime_id_file));
  if (!runtime_id) return {};
  const std::string found(trim(*runtime_id));
  if (record_.run.runtime_id.empty()) record_.run.runtime_id = found;
  if (record_.run.runtime_id != found) return {};
  RecordFilter filter;
  filter.after = record_.run.seen;
  RecordReader reader(file(events_file), most_files, filter);
  for (std::string lines = reader.read_some(); !lines.empty(); lines = reader.read_some()) {
    if (const auto taken = take_records(lines); !taken) return taken;
  }
  return {};
}

Result<void> ManagedVm::conclude() {
  follow_.reset();
  if (!record_.run.outcome) {
    if (const auto taken = take_rest(); !taken) return taken;
  }
  if (!record_.run.outcome) {
    VmRecord next = record_;
    next.run.outcome = find_outcome();
    next.run.ended = sys::wall_now();
    const FleetEvent event = event_of_end(*next.run.outcome, next, *next.run.ended);
    const auto done = registry_.commit(next.name, event, [&] { return registry_.save(next); });
    if (!done) return done;
    record_ = std::move(next);
  }
  status_.reset();
  is_known_to_have_begun_ = false;
  progress_.reset();
  watcher_.on_events();
  return {};
}

std::optional<Outcome> ManagedVm::outcome_in_progress() const {
  if (!progress_.is_open()) return std::nullopt;
  const auto text = sys::read_file(concat("/proc/self/fd/", progress_.get()));
  if (!text) return std::nullopt;
  for (const std::string_view line : split(*text, '\n')) {
    if (auto message = parse_pipe_message(line); message && message->ended) return std::move(message->ended);
  }
  return std::nullopt;
}

/// Of a run that its records do not tell the end of.
Outcome ManagedVm::find_outcome() const {
  Outcome unknown{to_status(ExitCode::host_error), "", {}};
  if (!launch_problem_.empty()) {
    unknown.message = launch_problem_;
    return unknown;
  }
  if (auto told = outcome_in_progress()) return *std::move(told);
  if (::access(record_.spec.runtime_dir.c_str(), F_OK) != 0) {
    unknown.message = "its runtime folder is gone: the host was restarted, or somebody removed it";
    return unknown;
  }
  if (const auto text = sys::read_file(file(exit_file))) {
    if (auto outcome = parse_outcome(*text)) return std::move(*outcome);
  }
  unknown.message = "its runner died without a word";
  const auto log = sys::read_file(file(runner_log_file), mebibytes(16));
  if (log && !trim(*log).empty()) unknown.message = last_line(*log);
  return unknown;
}

}  // namespace kestrel::hostd
