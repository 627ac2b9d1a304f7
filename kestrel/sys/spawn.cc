// The parent's side of a spawn.
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/clone.h"
#include "kestrel/sys/ignored_signals.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/process.h"
#include "kestrel/sys/spawn_child.h"

namespace kestrel::sys {

namespace {

constexpr std::array<std::string_view, 9> stage_names = {
    "session", "cgroup", "stdio", "working_dir", "limits", "groups", "user", "capabilities", "exec"};
static_assert(stage_names.size() == static_cast<std::size_t>(SpawnStage::exec) + 1);

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

/// Opened once and kept: nearly every service has it as its stdin.
Result<int> dev_null() {
  static UniqueFd null;
  if (!null.is_open()) null.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null.is_open()) return errno_error("cannot open /dev/null", errno);
  return null.get();
}

struct Pipe {
  UniqueFd reader;
  UniqueFd writer;
};

/// The writer stands above what is placed in the child, which would overwrite it.
Result<Pipe> open_report_pipe(int lowest) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) < 0) return errno_error("cannot create a pipe", errno);
  Pipe pipe{UniqueFd(ends[0]), UniqueFd(ends[1])};
  if (pipe.writer.get() < lowest) pipe.writer.reset(::fcntl(pipe.writer.get(), F_DUPFD_CLOEXEC, lowest));
  if (!pipe.writer.is_open()) return errno_error("cannot create a pipe", errno);
  return pipe;
}

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

Result<std::array<int, 3>> resolve_stdio(const std::array<int, 3>& wanted) {
  std::array<int, 3> sources = wanted;
  for (int& source : sources) {
    if (source >= 0) continue;
    auto null = dev_null();
    if (!null) return null.error();
    source = *null;
  }
  return sources;
}

/// Copies that stand above where the child places them, so that no placing overwrites a source.
Result<std::vector<UniqueFd>> lift(const std::vector<int>& inherited, int lowest) {
  std::vector<UniqueFd> copies;
  for (const int fd : inherited) {
    UniqueFd& copy = copies.emplace_back();
    if (fd < 0) continue;
    copy.reset(::fcntl(fd, F_DUPFD_CLOEXEC, lowest));
    if (!copy.is_open()) return errno_error("cannot pass on a descriptor", errno);
  }
  return copies;
}

bool changes_identity(const ProcessSpec& spec) { return spec.uid || spec.gid || !spec.groups.empty(); }

/// Fewer capabilities too are another identity: who has no more than those may trace the child, and with it
/// what the child shares.
bool may_share_memory(const ProcessSpec& spec) { return !changes_identity(spec) && !spec.capabilities; }

/// All but what points into what its caller has prepared.
ChildPlan plan_of(const ProcessSpec& spec) {
  ChildPlan plan{};
  plan.program = spec.program.c_str();
  plan.working_dir = spec.working_dir.c_str();
  plan.controls_terminal = spec.controls_terminal;
  plan.parent_death_signal = spec.parent_death_signal;
  plan.parent = ::getpid();
  plan.cgroup_fd = spec.cgroup_fd;
  plan.report_fd = -1;
  plan.ignored_signals = ignored_signals();
  plan.groups = spec.groups.data();
  plan.group_count = spec.groups.size();
  plan.sets_groups = changes_identity(spec);
  plan.uid = spec.uid;
  plan.gid = spec.gid;
  plan.umask = spec.umask;
  plan.open_files = open_files_for_children();
  plan.limits = spec.limits;
  plan.capabilities = spec.capabilities;
  plan.has_no_new_privileges = spec.has_no_new_privileges;
  return plan;
}

}  // namespace

std::string_view stage_name(SpawnStage stage) { return stage_names[static_cast<std::size_t>(stage)]; }

Result<Child> spawn(const ProcessSpec& spec) {
  const std::string context = concat("cannot start ", spec.program);
  auto stdio = resolve_stdio(spec.stdio);
  if (!stdio) return stdio.error().in(context);
  const int above_placed = first_inherited + static_cast<int>(spec.inherited.size());
  auto inherited = lift(spec.inherited, above_placed);
  if (!inherited) return inherited.error().in(context);
  const auto argv = pointers(spec.argv);
  const auto envp = pointers(spec.envp);
  SpawnFailure failure{SpawnStage::exec, 0};
  ChildPlan plan = plan_of(spec);
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.stdio = *stdio;
  plan.inherited = inherited->data();
  plan.inherited_count = static_cast<int>(inherited->size());
  plan.failure = &failure;

  const SignalsBlocked blocked;
  if (may_share_memory(spec)) {
    auto cloned = clone_child(ChildMemory::shared, spec.cgroup_fd, run_child, &plan);
    if (cloned) {
      Child child{cloned->pid, std::move(cloned->pidfd), {}, {}};
      if (failure.error != 0) child.failure = failure;
      return child;
    }
    if (cloned.error().code != ENOSYS) return cloned.error().in(context);
  }
  auto report = open_report_pipe(above_placed);
  if (!report) return report.error().in(context);
  plan.report_fd = report->writer.get();
  auto cloned = clone_child(ChildMemory::copied, spec.cgroup_fd, run_child, &plan);
  if (!cloned) return cloned.error().in(context);
  return Child{cloned->pid, std::move(cloned->pidfd), std::move(report->reader), {}};
}

std::optional<SpawnFailure> read_exec_outcome(int exec_report) {
  ChildReport report{};
  ssize_t n;
  do n = ::read(exec_report, report.data(), sizeof report);
  while (n < 0 && errno == EINTR);
  // A report is far below PIPE_BUF and so arrives whole or not at all.
  if (n != sizeof report) return std::nullopt;
  return SpawnFailure{static_cast<SpawnStage>(report[0]), report[1]};
}

std::optional<SpawnFailure> exec_outcome(const Child& child) {
  return child.exec_report.is_open() ? read_exec_outcome(child.exec_report.get()) : child.failure;
}

}  // namespace kestrel::sys
