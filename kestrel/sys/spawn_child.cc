// Changes of user go through bare system calls: libc's wrappers would pass them on to all threads of the
// process, which are the parent's as long as memory is shared.
#include "kestrel/sys/spawn_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/sys/capabilities.h"
#include "kestrel/sys/ignored_signals.h"

namespace kestrel::sys {

namespace {

[[noreturn]] void fail(const ChildPlan& plan, SpawnStage stage) noexcept {
  if (plan.report_fd < 0) {
    *plan.failure = {stage, errno};
  } else {
    const ChildReport report = {static_cast<int>(stage), errno};
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

bool place_inherited(const ChildPlan& plan) noexcept {
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

bool take_terminal(const ChildPlan& plan) noexcept {
  return !plan.controls_terminal || ::ioctl(STDIN_FILENO, TIOCSCTTY, 0) == 0;
}

/// A parent that ended before this took hold has left its child to somebody else already.
void follow_parent(const ChildPlan& plan) noexcept {
  if (plan.parent_death_signal == 0) return;
  ::prctl(PR_SET_PDEATHSIG, plan.parent_death_signal, 0, 0, 0);
  if (::getppid() != plan.parent) _exit(127);
}

bool set_groups(const ChildPlan& plan) noexcept {
  if (plan.sets_groups && ::syscall(SYS_setgroups, plan.group_count, plan.groups) < 0) return false;
  return !plan.gid || ::syscall(SYS_setresgid, *plan.gid, *plan.gid, *plan.gid) == 0;
}

/// What only a privileged process may raise comes before the change of user.
bool set_limits(const ChildPlan& plan) noexcept {
  if (plan.open_files && ::setrlimit(RLIMIT_NOFILE, &*plan.open_files) < 0) return false;
  return apply_limits(plan.limits);
}

bool set_user(const ChildPlan& plan) noexcept {
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

}  // namespace

void run_child(const void* data, Birth birth) noexcept {
  const ChildPlan& plan = *static_cast<const ChildPlan*>(data);
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

}  // namespace kestrel::sys
