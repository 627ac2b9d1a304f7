#include "kestrel/sys/clone.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

namespace kestrel::sys {

namespace {

/// Enough for a child that only makes system calls. It is no frame of the parent's, which a child could leave
/// marked.
alignas(16) std::byte child_stack[16 * 1024];

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
// A sanitizer keeps locks and marks in memory, and knows fork() only.
constexpr bool is_clone3_allowed = false;
#else
constexpr bool is_clone3_allowed = true;
#endif

struct Start {
  ChildMain main;
  const void* plan;
  Birth birth;
};

[[noreturn]] void run_child(const Start* start) noexcept {
  start->main(start->plan, start->birth);
  _exit(127);
}

/// The bare system call; the child goes on in run_child() on the stack of `args`. C cannot express this: two
/// returns from one call on one stack would overwrite each other.
long clone3(const clone_args& args, const Start& start) {
#if defined(__x86_64__)
  long result = SYS_clone3;
  register const Start* child_start asm("r8") = &start;
  register auto* child_entry asm("r9") = &run_child;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %%r8, %%rdi\n\t"
      "call *%%r9\n\t"
      "1:"
      : "+a"(result)
      : "D"(&args), "S"(sizeof args), "r"(child_start), "r"(child_entry)
      : "rcx", "r11", "memory", "cc");
  return result;
#elif defined(__aarch64__)
  register long result asm("x0") = reinterpret_cast<long>(&args);
  register long size asm("x1") = sizeof args;
  register long number asm("x8") = SYS_clone3;
  register const Start* child_start asm("x9") = &start;
  register auto* child_entry asm("x10") = &run_child;
  asm volatile(
      "svc #0\n\t"
      "cbnz x0, 1f\n\t"
      "mov x29, xzr\n\t"
      "mov x0, x9\n\t"
      "blr x10\n\t"
      "1:"
      : "+r"(result)
      : "r"(size), "r"(number), "r"(child_start), "r"(child_entry)
      : "memory", "cc");
  return result;
#else
#error "the child's entry after clone3 is not written for this processor"
#endif
}

bool is_clone3_missing(long error) {
  // Filters of older container runtimes answer EPERM where they should say ENOSYS; a kernel before 5.5 does
  // not know CLONE_CLEAR_SIGHAND (EINVAL), one before 5.7 CLONE_INTO_CGROUP or the size of its arguments
  // (E2BIG).
  return error == ENOSYS || error == EPERM || error == EINVAL || error == E2BIG;
}

Result<Cloned> fork_child(ChildMain main, const void* plan) {
  Cloned child;
  child.pid = ::fork();
  if (child.pid < 0) return errno_error("cannot create a process", errno);
  if (child.pid == 0) {
    const Start start{main, plan, {}};
    run_child(&start);
  }
  child.pidfd.reset(static_cast<int>(::syscall(SYS_pidfd_open, child.pid, 0)));
  return child;
}

Result<Cloned> without_clone3(ChildMemory memory, ChildMain main, const void* plan) {
  if (memory == ChildMemory::copied) return fork_child(main, plan);
  return errno_error("cannot create a process that shares memory", ENOSYS);
}

}  // namespace

Result<Cloned> clone_child(ChildMemory memory, int cgroup_fd, ChildMain main, const void* plan) {
  if (!is_clone3_allowed) return without_clone3(memory, main, plan);
  int pidfd = -1;
  clone_args args{};
  args.flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  args.exit_signal = SIGCHLD;
  args.stack = reinterpret_cast<std::uintptr_t>(child_stack);
  args.stack_size = sizeof child_stack;
  if (memory == ChildMemory::shared) args.flags |= CLONE_VM | CLONE_VFORK;
  if (cgroup_fd >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<std::uint64_t>(cgroup_fd);
  }
  const Start start{main, plan, {.is_in_cgroup = cgroup_fd >= 0, .has_no_handlers = true}};
  const long result = clone3(args, start);
  if (result < 0 && is_clone3_missing(-result)) return without_clone3(memory, main, plan);
  if (result < 0) return errno_error("cannot create a process", static_cast<int>(-result));
  return Cloned{static_cast<pid_t>(result), UniqueFd(pidfd)};
}

}  // namespace kestrel::sys
