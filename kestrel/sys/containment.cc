#include "kestrel/sys/containment.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <memory>
#include <unordered_set>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/session.h"

namespace kestrel::sys {

namespace {

/// Bound of kill_all's rounds. A round sees every child that was forked before its parent was killed, so two
/// are usual.
constexpr int most_kill_rounds = 100;

/// Of one CPU's time, as the kernel has it by default; a quota of less than a millisecond is refused.
constexpr std::uint64_t cpu_period_us = 100'000;

std::string cpu_quota(double processors) {
  return concat(std::llround(processors * static_cast<double>(cpu_period_us)), ' ', cpu_period_us);
}

/// The value of `key` in a flat keyed file (`key value` lines) of a cgroup, one below 4 KiB. Read at every
/// end of a process, so in as few system calls as can be.
std::optional<std::uint64_t> read_keyed(const UniqueFd& file, std::string_view key) {
  char text[4096];
  const ssize_t length = ::pread(file.get(), text, sizeof text, 0);
  if (length < 0) return std::nullopt;
  for (std::string_view line : split({text, static_cast<std::size_t>(length)}, '\n')) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos || line.substr(0, space) != key) continue;
    if (auto value = parse_integer(trim(line.substr(space + 1)))) return static_cast<std::uint64_t>(*value);
  }
  return std::nullopt;
}

UniqueFd open_in(const UniqueFd& directory, const char* file) {
  return UniqueFd(::openat(directory.get(), file, O_RDONLY | O_CLOEXEC));
}

/// `cgroup` and all below it, children before their parents. Members may make cgroups of their own in their
/// leaf.
std::vector<std::string> cgroup_and_below(const std::string& cgroup) {
  std::vector<std::string> found;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(cgroup.c_str()), ::closedir);
  if (!folder) return found;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type != DT_DIR || name == "." || name == "..") continue;
    for (std::string& below : cgroup_and_below(concat(cgroup, '/', name))) found.push_back(std::move(below));
  }
  found.push_back(cgroup);
  return found;
}

std::vector<pid_t> cgroup_members(const std::string& leaf) {
  std::vector<pid_t> pids;
  for (const std::string& cgroup : cgroup_and_below(leaf)) {
    auto text = read_file(concat(cgroup, "/cgroup.procs"), mebibytes(16));
    if (!text) continue;
    for (std::string_view line : split(*text, '\n')) {
      // 0 stands for a process that this pid namespace cannot see.
      if (auto pid = parse_integer(line); pid && *pid > 0) pids.push_back(static_cast<pid_t>(*pid));
    }
  }
  return pids;
}

/// Holds a cgroup's processes, and whatever they fork, where they are: killing them one by one would else be
/// a race. The kernel lets frozen processes die. Best effort; without a cgroup nothing.
class Standstill {
 public:
  explicit Standstill(const std::string& cgroup)
      : switch_(cgroup.empty() ? "" : concat(cgroup, "/cgroup.freeze")) {
    turn("1");
  }
  Standstill(const Standstill&) = delete;
  Standstill& operator=(const Standstill&) = delete;
  ~Standstill() { turn("0"); }

 private:
  void turn(std::string_view value) const {
    if (!switch_.empty()) [[maybe_unused]]
      auto ignored = write_file(switch_, value);
  }
  std::string switch_;
};

/// ESRCH is no failure: whoever has gone needs no signal.
void keep_failure(Result<void>& outcome, pid_t pid, int signal) {
  if (::kill(pid, signal) == 0 || errno == ESRCH) return;
  outcome = errno_error(concat("cannot send ", signal_name(signal), " to process ", pid), errno);
}

}  // namespace

Result<Containment> Containment::create(const CgroupRoot* root, const std::string& name) {
  Containment made;
  if (root == nullptr) {
    made.mark_ = new_session_mark();
    return made;
  }
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string::npos) {
    return Error{concat("cannot create cgroup ", root->path(), '/', name, ": not a name"), EINVAL};
  }
  const std::string path = concat(root->path(), '/', name);
  if (auto folder = make_cgroup(path); !folder) return folder.error();
  made.directory_.reset(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!made.directory_.is_open()) return errno_error(concat("cannot open cgroup ", path), errno);
  made.path_ = path;
  made.events_ = open_in(made.directory_, "cgroup.events");
  if (!made.events_.is_open()) return errno_error(concat("cannot open ", path, "/cgroup.events"), errno);
  return made;
}

Containment& Containment::operator=(Containment&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::move(other.path_);
  directory_ = std::move(other.directory_);
  events_ = std::move(other.events_);
  leader_ = std::exchange(other.leader_, -1);
  mark_ = std::move(other.mark_);
  limits_ = other.limits_;
  oom_kills_before_ = other.oom_kills_before_;
  return *this;
}

Containment::~Containment() { remove(); }

void Containment::remove() {
  if (!directory_.is_open() || ::rmdir(path_.c_str()) == 0) return;
  for (const std::string& cgroup : cgroup_and_below(path_)) ::rmdir(cgroup.c_str());
}

bool Containment::renew(const SharedLimits& limits) {
  // Files that the former run left in memory (tmpfs, page cache) would count against the limit of the new
  // one.
  if (limits != limits_ || limits.memory) return false;
  // A folder of the cgroup tree has a link for each folder in it, besides its own two.
  struct stat info {};
  if (::fstat(directory_.get(), &info) < 0 || info.st_nlink > 2) return false;
  oom_kills_before_ = read_keyed(open_in(directory_, "memory.events"), "oom_kill").value_or(0);
  leader_ = -1;
  return true;
}

std::vector<Error> Containment::set_limits(const SharedLimits& limits) {
  if (limits == limits_) return {};
  if (!directory_.is_open())
    return {Error{"there is no cgroup v2 to hold it to limits of memory, cpu and pids"}};
  std::vector<Error> refused;
  const auto set = [&](std::string_view file, const std::string& value) {
    const auto written = write_file(concat(path_, '/', file), value);
    if (!written) refused.push_back(written.error());
    return written.has_value();
  };
  if (limits.memory && set("memory.max", concat(limits.memory->count))) set("memory.oom.group", "1");
  if (limits.cpu) {
    CgroupRoot::turn_on_cpu(path_);
    set("cpu.max", cpu_quota(*limits.cpu));
  }
  if (limits.pids) set("pids.max", concat(*limits.pids));
  if (refused.empty()) limits_ = limits;
  return refused;
}

std::vector<pid_t> Containment::members() const {
  if (directory_.is_open()) return cgroup_members(path_);
  if (leader_ <= 0) return {};
  return scan_session(leader_, mark_).members;
}

Result<void> Containment::signal_all(int signal) const {
  Result<void> outcome;
  for (pid_t pid : members()) keep_failure(outcome, pid, signal);
  return outcome;
}

Result<void> Containment::kill_all() const {
  if (directory_.is_open() && write_file(concat(path_, "/cgroup.kill"), "1")) return {};
  const Standstill standstill(path_);
  Result<void> outcome;
  std::unordered_set<pid_t> killed;
  for (int round = 0; round < most_kill_rounds; ++round) {
    bool has_new = false;
    // A signal to a group and a fork in it exclude each other: nobody slips through.
    if (!directory_.is_open() && leader_ > 0) ::kill(-leader_, SIGKILL);
    for (pid_t pid : members()) {
      if (!killed.insert(pid).second) continue;
      has_new = true;
      keep_failure(outcome, pid, SIGKILL);
    }
    // Whoever has SIGKILL pending forks no more (the kernel restarts fork() into its death).
    if (!has_new) return outcome;
  }
  const std::string who = path_.empty() ? concat("session ", leader_) : concat("cgroup ", path_);
  return Error{concat("cannot kill all processes of ", who, ": they fork faster than they are found"),
               EAGAIN};
}

bool Containment::contains(pid_t pid) const {
  const auto all = members();
  return pid > 0 && std::find(all.begin(), all.end(), pid) != all.end();
}

bool Containment::is_populated() const {
  if (directory_.is_open()) return read_keyed(events_, "populated") == std::uint64_t{1};
  if (leader_ <= 0) return false;
  const auto scan = scan_session(leader_, mark_);
  return !scan.members.empty() || scan.has_unseen;
}

std::optional<std::uint64_t> Containment::oom_kills() const {
  if (!directory_.is_open()) return std::nullopt;
  const auto all = read_keyed(open_in(directory_, "memory.events"), "oom_kill");
  return all ? std::optional(*all - oom_kills_before_) : std::nullopt;
}

namespace {

std::optional<Bytes> read_bytes(const std::string& path) {
  auto text = read_file(path);
  if (!text) return std::nullopt;
  auto count = parse_integer(trim(*text));
  if (!count) return std::nullopt;
  return Bytes{static_cast<std::uint64_t>(*count)};
}

}  // namespace

std::optional<Bytes> Containment::memory_current() const {
  return directory_.is_open() ? read_bytes(concat(path_, "/memory.current")) : std::nullopt;
}

std::optional<Bytes> Containment::memory_peak() const {
  return directory_.is_open() ? read_bytes(concat(path_, "/memory.peak")) : std::nullopt;
}

std::optional<std::uint64_t> Containment::cpu_usage_us() const {
  if (!directory_.is_open()) return std::nullopt;
  return read_keyed(open_in(directory_, "cpu.stat"), "usage_usec");
}

}  // namespace kestrel::sys
