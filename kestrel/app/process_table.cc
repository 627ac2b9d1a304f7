#include "kestrel/app/process_table.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "kestrel/base/log.h"
#include "kestrel/sys/process_tree.h"

namespace kestrel::app {

namespace {

bool is_readable_now(int fd) {
  pollfd one{fd, POLLIN, 0};
  return ::poll(&one, 1, 0) > 0;
}

/// How long a leaf is kept for the next run of its service: a little more than the usual backoff.
constexpr Duration rest_of_containments = seconds(1);

bool asks_for_the_end(int signal) {
  return signal == SIGTERM || signal == SIGINT || signal == SIGQUIT || signal == SIGHUP;
}

void log_failure(const Result<void>& result) {
  if (!result) log_warning(result.error().message);
}

}  // namespace

ProcessTable::ProcessTable(loop::Loop& loop, const sys::CgroupRoot* cgroups)
    : loop_(&loop),
      containments_(cgroups),
      sweep_(loop, [this] { containments_.clear(); }),
      child_watcher_(loop, child_signal_.fd(), [this](loop::Interest) {
        if (const auto first = child_signal_.take()) reap_stranger(*first);
        handle_children();
      }) {
  child_watcher_.watch({.readable = true});
  if (const auto children = sys::list_children()) inherited_.insert(children->begin(), children->end());
}

ProcessTable::Entry* ProcessTable::find(ProcessId id) const {
  const auto found = entries_.find(id);
  return found == entries_.end() ? nullptr : found->second.get();
}

Result<void> ProcessTable::start(ProcessId id, const std::string& name, sys::ProcessSpec spec,
                                 ProcessCallbacks callbacks) {
  auto containment = containments_.take(name, spec.shared_limits);
  if (!containment) return containment.error();
  hold_to_limits(*containment, name, spec.shared_limits);
  spec.cgroup_fd = containment->cgroup_fd();
  if (!containment->mark().empty()) spec.envp.push_back(containment->mark());
  auto child = sys::spawn(spec);
  if (!child) return child.error();

  auto entry = std::make_unique<Entry>();
  entry->name = name;
  entry->containment = std::move(*containment);
  entry->containment.set_leader(child->pid);
  entry->callbacks = std::move(callbacks);
  entry->pid = child->pid;
  entry->pidfd = std::move(child->pidfd);
  entry->exec_report = std::move(child->exec_report);
  by_pid_.insert_or_assign(child->pid, id);
  Entry& placed = *entries_.emplace(id, std::move(entry)).first->second;
  if (placed.exec_report.is_open()) {
    await_exec(id, placed);
  } else {
    tell_exec(id, child->failure);
  }
  return {};
}

void ProcessTable::hold_to_limits(sys::Containment& containment, const std::string& name,
                                  const sys::SharedLimits& limits) {
  std::string causes;
  for (const Error& one : containment.set_limits(limits)) {
    causes.append(causes.empty() ? "" : "; ").append(one.message);
  }
  if (!causes.empty() && warned_.insert(name).second)
    log_warning("limits of ", name, " are not enforced: ", causes);
}

void ProcessTable::await_exec(ProcessId id, Entry& entry) {
  if (is_readable_now(entry.exec_report.get())) return conclude_exec(id);
  entry.exec_watcher =
      loop::FdWatcher(*loop_, entry.exec_report.get(), [this, id](loop::Interest) { conclude_exec(id); });
  entry.exec_watcher.watch({.readable = true});
}

void ProcessTable::notice_exec(ProcessId id) {
  const Entry* entry = find(id);
  if (entry && entry->exec_report.is_open() && is_readable_now(entry->exec_report.get())) conclude_exec(id);
}

void ProcessTable::conclude_exec(ProcessId id) {
  Entry* entry = find(id);
  entry->exec_watcher = {};
  const auto failure = sys::read_exec_outcome(entry->exec_report.get());
  entry->exec_report.reset();
  tell_exec(id, failure);
}

void ProcessTable::tell_exec(ProcessId id, const std::optional<sys::SpawnFailure>& failure) {
  Entry* entry = find(id);
  if (!failure) {
    if (entry->callbacks.on_exec) entry->callbacks.on_exec(entry->pid);
    return;
  }
  const auto on_exec_failed = std::move(entry->callbacks.on_exec_failed);
  by_pid_.erase(entry->pid);
  remove_ended(id);
  if (on_exec_failed) on_exec_failed(*failure);
}

// --- ends -------------------------------------------------------------------------------------------------

/// Orphans end by the thousand: one that its signal names needs no looking for.
void ProcessTable::reap_stranger(pid_t pid) {
  if (by_pid_.contains(pid)) return;
  inherited_.erase(pid);
  sys::reap(pid);
}

void ProcessTable::handle_children() {
  while (const auto ended = sys::peek_ended_child()) {
    const auto known = by_pid_.find(ended->pid);
    if (known != by_pid_.end()) {
      handle_end_of_child(known->second, *ended);
      by_pid_.erase(ended->pid);
    }
    inherited_.erase(ended->pid);
    sys::reap(ended->pid);
  }
  check_all_gone();
}

void ProcessTable::handle_end_of_child(ProcessId id, const sys::Reaped& ended) {
  // Its end can be seen before the outcome of its exec; the order of the news is kept.
  if (Entry* entry = find(id); entry->exec_report.is_open()) conclude_exec(id);
  if (Entry* entry = find(id); entry && entry->callbacks.before_end) entry->callbacks.before_end();
  if (const Entry* entry = find(id); entry && entry->pid == ended.pid) announce_end(id, ended.status);
}

/// It is our child if its parent has gone, and then the reaper has the status.
void ProcessTable::handle_end_of_adopted(ProcessId id) {
  handle_children();
  Entry* entry = find(id);
  if (!entry || entry->has_ended) return;
  by_pid_.erase(entry->pid);
  announce_end(id, std::nullopt);
}

void ProcessTable::announce_end(ProcessId id, const std::optional<sys::ExitStatus>& status) {
  Entry& entry = *find(id);
  entry.has_ended = true;
  entry.main_watcher = {};
  ++lingering_;
  const bool is_killed = status && status->signal == SIGKILL;
  const ProcessEnd end{.status = status.value_or(sys::ExitStatus{}),
                       .is_oom_kill = is_killed && entry.containment.oom_kills().value_or(0) > 0,
                       .leaves_others = has_others(entry),
                       .is_untold = !status};
  if (end.leaves_others && entry.containment.events_fd() >= 0) {
    entry.cgroup_watcher = loop::FdWatcher(*loop_, entry.containment.events_fd(),
                                           [this, id](loop::Interest) { check_gone(id); });
    entry.cgroup_watcher.watch({.priority = true});
  }
  const bool is_forgotten = entry.is_forgotten;
  const auto on_end = end.leaves_others ? entry.callbacks.on_end : std::move(entry.callbacks.on_end);
  if (!end.leaves_others) {
    remove_ended(id);
    --lingering_;
  }
  if (on_end && !is_forgotten) on_end(end);
}

void ProcessTable::check_gone(ProcessId id) {
  Entry* entry = find(id);
  if (!entry || !entry->has_ended || has_others(*entry)) return;
  const auto on_gone = entry->is_forgotten ? nullptr : std::move(entry->callbacks.on_gone);
  remove_ended(id);
  --lingering_;
  if (on_gone) on_gone();
}

/// Where there is no cgroup to tell, the end of a containment shows by the reaping of its last process.
void ProcessTable::check_all_gone() {
  if (lingering_ == 0) return;
  std::vector<ProcessId> ids;
  for (const auto& [id, entry] : entries_) {
    if (entry->has_ended && entry->containment.events_fd() < 0) ids.push_back(id);
  }
  for (const auto id : ids) check_gone(id);
}

/// What a process left behind when it ended has become our child, or descends from one that has. So where all
/// our children are processes that we started, or had before, nothing was left.
bool ProcessTable::has_others(const Entry& entry) const {
  if (entry.containment.cgroup_fd() < 0 && !has_strangers()) return false;
  return entry.containment.is_populated();
}

bool ProcessTable::has_strangers() const {
  if (!sys::is_of_our_namespace()) return true;
  const auto children = sys::list_children();
  if (!children) return true;
  return std::any_of(children->begin(), children->end(),
                     [this](pid_t pid) { return !by_pid_.contains(pid) && !inherited_.contains(pid); });
}

void ProcessTable::remove_ended(ProcessId id) {
  const auto ended = entries_.extract(id);
  containments_.rest(ended.mapped()->name, std::move(ended.mapped()->containment));
  if (!containments_.is_empty() && !sweep_.is_armed()) sweep_.arm(rest_of_containments);
}

// --- another main process ---------------------------------------------------------------------------------

bool ProcessTable::contains(ProcessId id, pid_t pid) const {
  const Entry* entry = find(id);
  return entry && entry->containment.contains(pid);
}

Result<void> ProcessTable::adopt_main(ProcessId id, pid_t pid) {
  Entry* entry = find(id);
  const auto context = concat("cannot take process ", pid, " for the main process");
  if (!entry || entry->has_ended) return Error{concat(context, ": the run has ended")};
  if (entry->pid == pid) return {};
  sys::UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.is_open()) return errno_error(context, errno);
  // Asked while the descriptor holds on to it: the pid cannot have become another's.
  if (!entry->containment.contains(pid)) return Error{concat(context, ": it does not belong to the service")};
  by_pid_.erase(entry->pid);
  by_pid_.insert_or_assign(pid, id);
  entry->pid = pid;
  entry->main_watcher = {};
  entry->pidfd = std::move(pidfd);
  entry->main_watcher =
      loop::FdWatcher(*loop_, entry->pidfd.get(), [this, id](loop::Interest) { handle_end_of_adopted(id); });
  entry->main_watcher.watch({.readable = true});
  return {};
}

// --- signals ----------------------------------------------------------------------------------------------

void ProcessTable::signal_main(ProcessId id, int signal) {
  const Entry* entry = find(id);
  if (!entry || entry->has_ended) return;
  if (entry->pidfd.is_open()) {
    ::syscall(SYS_pidfd_send_signal, entry->pidfd.get(), signal, nullptr, 0);
  } else {
    ::kill(entry->pid, signal);  // not reaped yet, so the pid is still its own
  }
}

void ProcessTable::signal_group(ProcessId id, int signal) {
  const Entry* entry = find(id);
  // Reaped only after its end is told: until then the group is its own.
  if (entry && !entry->has_ended) ::kill(-entry->pid, signal);
}

void ProcessTable::signal_all(ProcessId id, int signal) {
  const Entry* entry = find(id);
  if (!entry) return;
  log_failure(entry->containment.signal_all(signal));
  if (asks_for_the_end(signal)) log_failure(entry->containment.signal_all(SIGCONT));
}

void ProcessTable::kill_all(ProcessId id) {
  const Entry* entry = find(id);
  if (entry) log_failure(entry->containment.kill_all());
}

void ProcessTable::forget(ProcessId id) {
  Entry* entry = find(id);
  if (!entry) return;
  entry->is_forgotten = true;
  entry->callbacks = {};
  log_failure(entry->containment.kill_all());
}

std::optional<Bytes> ProcessTable::memory(ProcessId id) const {
  const Entry* entry = find(id);
  return entry ? entry->containment.memory_current() : std::nullopt;
}

std::optional<Bytes> ProcessTable::memory_peak(ProcessId id) const {
  const Entry* entry = find(id);
  return entry ? entry->containment.memory_peak() : std::nullopt;
}

std::optional<Duration> ProcessTable::cpu(ProcessId id) const {
  const Entry* entry = find(id);
  if (!entry) return std::nullopt;
  const auto usage = entry->containment.cpu_usage_us();
  return usage ? std::optional<Duration>(std::chrono::microseconds(*usage)) : std::nullopt;
}

}  // namespace kestrel::app
