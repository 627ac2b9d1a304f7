#include "kestrel/sys/process.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "kestrel/base/default_path.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/capabilities.h"
#include "kestrel/sys/clone.h"
#include "kestrel/sys/ignored_signals.h"
#include "kestrel/sys/open_files.h"

namespace kestrel::sys {

namespace {

constexpr std::array<std::string_view, 9> stage_names = {
    "session", "cgroup", "stdio", "working_dir", "limits", "groups", "user", "capabilities", "exec"};
static_assert(stage_names.size() == static_cast<std::size_t>(SpawnStage::exec) + 1);

/// What a failing child writes: a SpawnFailure without padding.
using Report = std::array<int, 2>;

/// Everything the child needs, as plain data: it may neither allocate nor touch what it shares with its
/// parent.
struct Plan {
  const char* program;
  char* const* argv;
  char* const* envp;
  const char* working_dir;
  std::array<int, 3> stdio;
  bool controls_terminal;
  const UniqueFd* inherited;  ///< those that are open stand above where they are placed
  int inherited_count;
  int parent_death_signal;
  pid_t parent;
  int cgroup_fd;
  int report_fd;          ///< -1: the failure is left in memory
  SpawnFailure* failure;  ///< the parent's, where memory is shared
  std::uint64_t ignored_signals;
  const std::uint32_t* groups;
  std::size_t group_count;
  bool sets_groups;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
  std::optional<std::uint32_t> umask;
  std::optional<rlimit> open_files;
  ProcessLimits limits;
  std::optional<CapabilitySet> capabilities;
  bool has_no_new_privileges;
};

// --- in the child ------------------------------------------------------------------------------------------
// Changes of user go through bare system calls: libc's wrappers would pass them on to all threads of the
// process, which are the parent's as long as memory is shared.

[[noreturn]] void fail(const Plan& plan, SpawnStage stage) noexcept {
  if (plan.report_fd < 0) {
    *plan.failure = {stage, errno};
  } else {
    const Report report = {static_cast<int>(stage), errno};
    [[maybe_unused]] ssize_t ignored = ::write(plan.report_fd, report.data(), sizeof report);
  }
  _exit(127);
}

bool enter_cgroup(int directory) noexcept {
  const int procs = ::openat(directory, "cgroup.procs", O_WRONLY | O_CLOEXEC);
  return procs >= 0 && ::write(procs, "0", 1) == 1;
}

/// Puts the three sources at 0, 1 and 2. A source that stands below 3 is moved out of the way first, so that
/// no order of copies overwrites what a later one needs.
bool place_stdio(std::array<int, 3> sources) noexcept {
  for (int& source : sources) {
    if (source <= 2) source = ::fcntl(source, F_DUPFD_CLOEXEC, 3);
    if (source < 0) return false;
  }
  for (int target = 0; target < 3; ++target) {
    if (::dup2(sources[static_cast<std::size_t>(target)], target) < 0) return false;
  }
  return true;
}

bool place_inherited(const Plan& plan) noexcept {
  for (int i = 0; i < plan.inherited_count; ++i) {
    const int source = plan.inherited[i].get();
    if (source < 0) {
      ::close(first_inherited + i);
    } else if (::dup2(source, first_inherited + i) < 0) {
      return false;
    }
  }
  return true;
}

bool take_terminal(const Plan& plan) noexcept {
  return !plan.controls_terminal || ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
}

/// A parent that ended before this took hold has left its child to somebody else already.
void follow_parent(const Plan& plan) noexcept {
  if (plan.parent_death_signal == 0) return;
  ::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal, 0, 0, 0);
  if (::getppid() != plan.parent) _exit(127);
}

bool set_groups(const Plan& plan) noexcept {
  if (plan.sets_groups && ::syscall(SYS_setgroups, plan.group_count, plan.groups) < 0) return false;
  return !plan.gid || ::syscall(SYS_setresgid, *plan.gid, *plan.gid, *plan.gid) == 0;
}

/// What only a privileged process may raise comes before the change of user.
bool set_limits(const Plan& plan) noexcept {
  if (plan.open_files && ::setrlimit(RLIMIT_NOFILE, &*plan.open_files) < 0) return false;
  return apply_limits(plan.limits);
}

bool set_user(const Plan& plan) noexcept {
  return !plan.uid || ::syscall(SYS_setresuid, *plan.uid, *plan.uid, *plan.uid) == 0;
}

constexpr std::uint64_t all_signals = ~std::uint64_t{0};

/// exec keeps what is ignored and blocked; the child shall start like one of a plain exec. libc's sigaction()
/// would spare the two signals that it uses itself, so this is the kernel's, whose structure of zeros means
/// SIG_DFL.
void reset_signals(std::uint64_t which) noexcept {
  constexpr std::size_t mask_size = 8;
  const std::array<unsigned long, 4> kernel_default{};
  for (int signal = 1; signal < NSIG; ++signal) {
    if ((which & bit_of_signal(signal)) != 0)
      ::syscall(SYS_rt_sigaction, signal, kernel_default.data(), nullptr, mask_size);
  }
  const std::uint64_t none = 0;
  ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, nullptr, mask_size);
}

/// Our own descriptors close on exec from birth; this is for those that our parent left open to us. Kernels
/// before 5.11 do not know it, and then they are inherited further.
void close_others_on_exec(int inherited_count) noexcept {
  ::syscall(SYS_close_range, static_cast<unsigned>(first_inherited + inherited_count), ~0U,
            CLOSE_RANGE_CLOEXEC);
}

void child_main(const void* data, Birth birth) noexcept {
  const Plan& plan = *static_cast<const Plan*>(data);
  if (::setsid() < 0) fail(plan, SpawnStage::session);
  if (plan.cgroup_fd >= 0 && !birth.is_in_cgroup && !enter_cgroup(plan.cgroup_fd))
    fail(plan, SpawnStage::cgroup);
  if (!place_stdio(plan.stdio) || !place_inherited(plan) || !take_terminal(plan))
    fail(plan, SpawnStage::stdio);
  if (::chdir(plan.working_dir) < 0) fail(plan, SpawnStage::working_dir);
  if (!set_limits(plan)) fail(plan, SpawnStage::limits);
  if (!set_groups(plan)) fail(plan, SpawnStage::groups);
  if (plan.capabilities && !bound_capabilities(*plan.capabilities)) fail(plan, SpawnStage::capabilities);
  if (!set_user(plan)) fail(plan, SpawnStage::user);
  if (plan.capabilities && !keep_capabilities(*plan.capabilities)) fail(plan, SpawnStage::capabilities);
  if (plan.has_no_new_privileges && !give_up_new_privileges()) fail(plan, SpawnStage::capabilities);
  if (plan.umask) ::umask(*plan.umask);
  close_others_on_exec(plan.inherited_count);
  reset_signals(birth.has_no_handlers ? plan.ignored_signals : all_signals);
  // After the change of user, which would undo it, and of signals, which could be its own.
  follow_parent(plan);
  ::execve(plan.program, plan.argv, plan.envp);
  fail(plan, SpawnStage::exec);
}

// --- in the parent -----------------------------------------------------------------------------------------

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
Plan plan_of(const ProcessSpec& spec) {
  Plan plan{};
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
  Plan plan = plan_of(spec);
  plan.argv = argv.data();
  plan.envp = envp.data();
  plan.stdio = *stdio;
  plan.inherited = inherited->data();
  plan.inherited_count = static_cast<int>(inherited->size());
  plan.failure = &failure;

  const SignalsBlocked blocked;
  if (may_share_memory(spec)) {
    auto cloned = clone_child(ChildMemory::shared, spec.cgroup_fd, child_main, &plan);
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
  auto cloned = clone_child(ChildMemory::copied, spec.cgroup_fd, child_main, &plan);
  if (!cloned) return cloned.error().in(context);
  return Child{cloned->pid, std::move(cloned->pidfd), std::move(report->reader), {}};
}

std::optional<SpawnFailure> read_exec_outcome(int exec_report) {
  Report report{};
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

std::optional<Reaped> peek_ended_child() {
  siginfo_t info{};
  if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) < 0 || info.si_pid == 0) return std::nullopt;
  if (info.si_code == CLD_EXITED) return Reaped{info.si_pid, ExitStatus{.code = info.si_status}};
  return Reaped{info.si_pid, ExitStatus{.signal = info.si_status}};
}

void reap(pid_t pid) {
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOHANG);
}

Result<void> become_subreaper() {
  if (::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0) return errno_error("cannot become a subreaper", errno);
  return {};
}

Result<std::string> find_program(std::string_view program, const std::vector<std::string>& envp) {
  if (program.find('/') != std::string_view::npos) return std::string(program);
  std::string_view path = default_path;
  for (std::string_view entry : envp) {
    if (entry.starts_with("PATH=")) path = entry.substr(5);
  }
  int code = ENOENT;
  for (std::string_view folder : split(path, ':')) {
    // A relative folder, the empty one included, would depend on where the supervisor happens to stand.
    if (program.empty() || !folder.starts_with('/')) continue;
    std::string candidate = concat(folder, '/', program);
    struct stat info {};
    if (::stat(candidate.c_str(), &info) < 0 || !S_ISREG(info.st_mode)) continue;
    if (::access(candidate.c_str(), X_OK) == 0) return candidate;
    code = EACCES;
  }
  const std::string_view cause = code == EACCES ? ": what has that name cannot be executed" : "";
  return Error{concat("cannot find ", program, " in PATH (", path, ")", cause), code};
}

}  // namespace kestrel::sys
