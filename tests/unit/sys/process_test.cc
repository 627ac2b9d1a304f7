#include "kestrel/sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/ignored_signals.h"
#include "kestrel/sys/open_files.h"
#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  spec.envp = {"PATH=/usr/bin:/bin"};
  return spec;
}

/// Waits for a child of ours to end; the pid stays until reap().
Reaped wait_for(pid_t pid) {
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
  auto ended = peek_ended_child();
  REQUIRE(ended);
  return *ended;
}

struct Outcome {
  std::optional<SpawnFailure> failure;
  ExitStatus status;
};

Outcome run(const ProcessSpec& spec) {
  auto child = spawn(spec);
  REQUIRE(child);
  CHECK(child->pidfd.is_open());
  Outcome outcome;
  outcome.failure = exec_outcome(*child);
  outcome.status = wait_for(child->pid).status;
  reap(child->pid);
  return outcome;
}

/// What `spec` prints on stdout.
std::string output_of(ProcessSpec spec) {
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
  UniqueFd reader(ends[0]);
  UniqueFd writer(ends[1]);
  spec.stdio[1] = writer.get();
  auto child = spawn(spec);
  REQUIRE(child);
  writer.reset();
  std::string text;
  char chunk[512];
  for (ssize_t n; (n = ::read(reader.get(), chunk, sizeof chunk)) > 0;)
    text.append(chunk, static_cast<std::size_t>(n));
  CHECK_FALSE(exec_outcome(*child));
  CHECK(wait_for(child->pid).status == ExitStatus{});
  reap(child->pid);
  return text;
}

void check_failure(const ProcessSpec& spec, SpawnStage stage, int error) {
  const Outcome outcome = run(spec);
  REQUIRE(outcome.failure);
  CHECK(stage_name(outcome.failure->stage) == stage_name(stage));
  CHECK(outcome.failure->error == error);
  CHECK(outcome.status == ExitStatus{.code = 127});
}

TEST_CASE("a successful exec leaves the report empty and the exit status is told", "[sys]") {
  const Outcome outcome = run(shell("exit 7"));
  CHECK_FALSE(outcome.failure);
  CHECK(outcome.status == ExitStatus{.code = 7});
}

TEST_CASE("death by a signal is told as the signal", "[sys]") {
  CHECK(run(shell("kill -KILL $$")).status == ExitStatus{.signal = SIGKILL});
}

TEST_CASE("a missing program fails at exec with ENOENT", "[sys]") {
  ProcessSpec spec = shell("");
  spec.program = "/nonexistent/program";
  check_failure(spec, SpawnStage::exec, ENOENT);
}

TEST_CASE("a program that may not be executed fails at exec with EACCES", "[sys]") {
  test::TemporaryFolder folder;
  ProcessSpec spec = shell("");
  spec.program = folder.write("plain", "#!/bin/sh\n");
  check_failure(spec, SpawnStage::exec, EACCES);
}

TEST_CASE("a script without an interpreter line fails at exec with ENOEXEC", "[sys]") {
  test::TemporaryFolder folder;
  ProcessSpec spec = shell("");
  spec.program = folder.write("script", "echo hello\n", 0755);
  check_failure(spec, SpawnStage::exec, ENOEXEC);
}

TEST_CASE("a working folder that is missing or a file fails at its own stage", "[sys]") {
  test::TemporaryFolder folder;
  ProcessSpec spec = shell("");
  spec.working_dir = folder.path("none");
  check_failure(spec, SpawnStage::working_dir, ENOENT);
  spec.working_dir = folder.write("file", "");
  check_failure(spec, SpawnStage::working_dir, ENOTDIR);
}

TEST_CASE("a closed descriptor as stdio fails at its own stage", "[sys]") {
  ProcessSpec spec = shell("");
  spec.stdio[2] = 987;
  check_failure(spec, SpawnStage::stdio, EBADF);
}

TEST_CASE("a cgroup folder that is none is refused before or by the child", "[sys]") {
  test::TemporaryFolder folder;
  UniqueFd directory(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  ProcessSpec spec = shell("");
  spec.cgroup_fd = directory.get();
  auto child = spawn(spec);
  if (!child) {
    CHECK(child.error().message.starts_with("cannot start /bin/sh: "));
    return;
  }
  const auto failure = exec_outcome(*child);
  wait_for(child->pid);
  reap(child->pid);
  REQUIRE(failure);
  CHECK(failure->stage == SpawnStage::cgroup);
}

TEST_CASE("a child leads a session of its own, in its working folder", "[sys]") {
  test::TemporaryFolder folder;
  ProcessSpec spec = shell(
      "read pid name state parent group session rest </proc/self/stat; pwd; "
      "[ $$ = $session ] && [ $$ = $group ] && echo leader");
  spec.working_dir = folder.path();
  CHECK(output_of(spec) == folder.path() + "\nleader\n");
}

TEST_CASE("a child has exactly its arguments and its environment", "[sys]") {
  ProcessSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"renamed", "-c", "echo \"$0|$1\"; tr '\\0' '\\n' </proc/$$/environ", "zero", "one two"};
  spec.envp = {"PATH=/usr/bin:/bin", "A=1"};
  CHECK(output_of(spec) == "zero|one two\nPATH=/usr/bin:/bin\nA=1\n");
}

TEST_CASE("stdio that is not given is /dev/null, and no other descriptor is inherited", "[sys]") {
  CHECK(output_of(shell("readlink /proc/$$/fd/0 /proc/$$/fd/2; ls /proc/$$/fd")) ==
        "/dev/null\n/dev/null\n0\n1\n2\n");
}

TEST_CASE("descriptors at each other's places are exchanged, not overwritten", "[sys]") {
  // What 0, 1 and 2 are is the test's; the child must get them in turned order.
  ProcessSpec spec = shell("readlink /proc/$$/fd/0 >&2; :");
  test::TemporaryFolder folder;
  UniqueFd out(::open(folder.path("out").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600));
  UniqueFd saved[3];
  for (int fd : {0, 1, 2}) saved[fd].reset(::fcntl(fd, F_DUPFD_CLOEXEC, 10));
  UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  ::dup2(null.get(), 0);
  ::dup2(out.get(), 1);
  spec.stdio = {1, 0, 1};
  auto child = spawn(spec);
  for (int fd : {0, 1, 2}) ::dup2(saved[fd].get(), fd);
  REQUIRE(child);
  wait_for(child->pid);
  reap(child->pid);
  CHECK(folder.read("out") == folder.path("out") + "\n");
}

TEST_CASE("a child starts with no signal blocked, ignored or caught, whatever its parent does", "[sys]") {
  struct sigaction before_pipe;
  struct sigaction before_user;
  ::sigaction(SIGPIPE, nullptr, &before_pipe);
  ::sigaction(SIGUSR1, nullptr, &before_user);
  ignore_signal(SIGPIPE);
  ignore_signal(SIGUSR1);
  sigset_t blocked;
  sigset_t before_mask;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &blocked, &before_mask);

  ProcessSpec spec;
  spec.program = "/bin/cat";
  spec.argv = {"cat", "/proc/self/status"};
  const std::string status = output_of(spec);

  sigset_t during;
  ::sigprocmask(SIG_SETMASK, &before_mask, &during);
  ::sigaction(SIGPIPE, &before_pipe, nullptr);
  ::sigaction(SIGUSR1, &before_user, nullptr);
  CHECK_THAT(
      status,
      Catch::Contains("SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nSigCgt:\t0000000000000000\n"));
  CHECK(sigismember(&during, SIGTERM) == 1);
  CHECK(sigismember(&during, SIGINT) == 0);
}

TEST_CASE("a child's user, groups and umask are what was asked for, and nothing more", "[sys]") {
  if (::getuid() != 0) return;
  ProcessSpec spec = shell("grep -E '^(Uid|Gid|Groups|CapEff)' /proc/self/status; umask");
  spec.uid = 65534;
  spec.gid = 65533;
  spec.groups = {7, 8};
  spec.umask = 0027;
  CHECK(output_of(spec) ==
        "Uid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\nGroups:\t7 8 \n"
        "CapEff:\t0000000000000000\n0027\n");
}

TEST_CASE("a user without the right to change users fails at its own stage", "[sys]") {
  if (::getuid() != 0) return;
  // A program that only the user before may execute shows that the change comes before exec.
  test::TemporaryFolder folder;
  ProcessSpec spec = shell("");
  spec.program = folder.write("private", "#!/bin/sh\n", 0700);
  spec.uid = 65534;
  spec.gid = 65534;
  check_failure(spec, SpawnStage::exec, EACCES);
  // -1 is no user: setresuid would take it as "leave it".
  spec.uid.reset();
  spec.groups.assign(70000, 1);
  check_failure(spec, SpawnStage::groups, EINVAL);
}

TEST_CASE("the supervisor keeps its own mask, folder and umask when a child changes them", "[sys]") {
  test::TemporaryFolder folder;
  const std::string before = std::filesystem::current_path();
  ProcessSpec spec = shell("umask");
  spec.working_dir = folder.path();
  spec.umask = 0077;
  CHECK(output_of(spec) == "0077\n");
  CHECK(std::filesystem::current_path() == before);
  const mode_t mask = ::umask(0);
  ::umask(mask);
  CHECK(mask != 0077);
}

TEST_CASE("a child gets the soft limit of open files from before it was raised", "[sys]") {
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
  if (before.rlim_cur >= before.rlim_max) return;
  CHECK(raise_open_files(before.rlim_cur + 1));
  rlimit raised{};
  REQUIRE(::getrlimit(RLIMIT_NOFILE, &raised) == 0);
  CHECK(raised.rlim_cur == before.rlim_cur + 1);
  CHECK(output_of(shell("ulimit -Sn")) == concat(before.rlim_cur, '\n'));
}

TEST_CASE("peeking shows an ended child again and again until it is reaped, and holds its pid", "[sys]") {
  auto child = spawn(shell("exit 3"));
  REQUIRE(child);
  const Reaped first = wait_for(child->pid);
  CHECK(first.pid == child->pid);
  CHECK(peek_ended_child()->pid == child->pid);
  CHECK(::kill(child->pid, 0) == 0);
  reap(child->pid);
  CHECK_FALSE(peek_ended_child());
  CHECK(::kill(child->pid, 0) < 0);
}

TEST_CASE("peeking without children, or with living ones, tells nothing", "[sys]") {
  CHECK_FALSE(peek_ended_child());
  auto child = spawn(shell("read line"));
  REQUIRE(child);
  ProcessSpec sleeper;
  sleeper.program = "/bin/sleep";
  sleeper.argv = {"sleep", "60"};
  auto living = spawn(sleeper);
  REQUIRE(living);
  wait_for(child->pid);
  reap(child->pid);
  CHECK_FALSE(peek_ended_child());
  ::kill(living->pid, SIGKILL);
  wait_for(living->pid);
  reap(living->pid);
}

TEST_CASE("a child's pidfd becomes readable when it ends", "[sys]") {
  auto child = spawn(shell("exit 0"));
  REQUIRE(child);
  pollfd wait{child->pidfd.get(), POLLIN, 0};
  CHECK(::poll(&wait, 1, 10000) == 1);
  reap(child->pid);
}

TEST_CASE("a program is looked up in the PATH of its environment, first match first", "[sys]") {
  test::TemporaryFolder folder;
  folder.write("a/tool", "", 0644);
  const std::string found = folder.write("b/tool", "", 0755);
  folder.write("c/tool", "", 0755);
  const std::string path = concat("PATH=", folder.path("a"), ":", folder.path("b"), ":", folder.path("c"));
  CHECK(find_program("tool", {"HOME=/", path}).value() == found);
  CHECK(find_program("/x/y", {path}).value() == "/x/y");
  CHECK(find_program("./y", {path}).value() == "./y");
  CHECK(find_program("sh", {}).value().ends_with("/sh"));
}

TEST_CASE("a program that is nowhere in PATH is an error that tells the PATH", "[sys]") {
  test::TemporaryFolder folder;
  folder.write("a/tool", "", 0644);
  const std::string path = folder.path("a");
  auto missing = find_program("gone", {"PATH=" + path});
  CHECK(missing.error().code == ENOENT);
  CHECK(missing.error().message == "cannot find gone in PATH (" + path + ")");
  CHECK(find_program("tool", {"PATH=" + path}).error().code == EACCES);
  CHECK(find_program("", {"PATH=" + path}).error().code == ENOENT);
  CHECK(find_program("tool", {"PATH=:."}).error().code == ENOENT);
}

}  // namespace
}  // namespace kestrel::sys
