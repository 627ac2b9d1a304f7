#include "kestrel/sys/containment.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/process.h"
#include "kestrel/sys/process_tree.h"
#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

/// A folder with the files that the kernel would put into a cgroup.
void write_cgroup(const test::TemporaryFolder& folder, const std::string& name) {
  for (const char* file : {"cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "cgroup.kill",
                           "cgroup.events", "memory.events", "memory.current", "cpu.stat", "memory.max",
                           "memory.oom.group", "cpu.max", "pids.max"}) {
    folder.write(name + "/" + file, "");
  }
}

struct Tree {
  test::TemporaryFolder folder;
  CgroupRoot root;
  Tree() : root(open()) {}
  CgroupRoot open() {
    for (const char* name : {".", "services", "kestrel", "services/web"}) write_cgroup(folder, name);
    return CgroupRoot::open(folder.path()).value();
  }
};

/// A child that does nothing until it is killed.
pid_t forked_sleeper() {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  while (true) ::pause();
}

TEST_CASE("a folder that is no cgroup v2 is refused as a root", "[sys]") {
  test::TemporaryFolder folder;
  CHECK_FALSE(CgroupRoot::open(folder.path()));
  CHECK_FALSE(CgroupRoot::open("/nonexistent"));
}

TEST_CASE("opening a root moves the caller out of the way and turns on the controllers", "[sys]") {
  Tree tree;
  CHECK(tree.root.path() == tree.folder.path("services"));
  CHECK(tree.folder.read("kestrel/cgroup.procs") == "0");
  // The double keeps the last of the writes.
  CHECK(tree.folder.read("cgroup.subtree_control").find("+pids") == 0);
  CHECK(tree.folder.read("services/cgroup.subtree_control").find("+pids") == 0);
}

TEST_CASE("a name that leads out of the root is refused", "[sys]") {
  Tree tree;
  for (const char* name : {"", ".", "..", "../kestrel", "a/b"})
    CHECK_FALSE(Containment::create(&tree.root, name));
}

TEST_CASE("a leaf's figures are read from its files", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  CHECK(web->cgroup_fd() >= 0);
  CHECK(web->events_fd() >= 0);
  CHECK(web->mark().empty());

  tree.folder.write("services/web/memory.events",
                    "low 0\nhigh 0\nmax 2\noom 3\noom_kill 1\noom_group_kill 0\n");
  tree.folder.write("services/web/memory.current", "8192\n");
  tree.folder.write("services/web/cpu.stat", "usage_usec 1234\nuser_usec 1000\n");
  CHECK(web->oom_kills() == std::uint64_t{1});
  CHECK(web->memory_current() == Bytes{8192});
  CHECK(web->cpu_usage_us() == std::uint64_t{1234});

  tree.folder.write("services/web/cgroup.events", "populated 1\nfrozen 0\n");
  CHECK(web->is_populated());
  tree.folder.write("services/web/cgroup.events", "populated 0\nfrozen 0\n");
  CHECK_FALSE(web->is_populated());
}

TEST_CASE("limits become a leaf's, and one process over its memory ends them all", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  CHECK(web->set_limits({.memory = mebibytes(64), .cpu = 0.5, .pids = 100}).empty());
  CHECK(tree.folder.read("services/web/memory.max") == "67108864");
  CHECK(tree.folder.read("services/web/memory.oom.group") == "1");
  CHECK(tree.folder.read("services/web/cpu.max") == "50000 100000");
  CHECK(tree.folder.read("services/web/pids.max") == "100");
}

TEST_CASE("a limit of the processor turns on its controller, for which others do not pay", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  CHECK(web->set_limits({.memory = mebibytes(64)}).empty());
  CHECK(tree.folder.read("services/cgroup.subtree_control").find("+pids") == 0);
  CHECK(web->set_limits({.memory = mebibytes(64), .cpu = 0.5}).empty());
  CHECK(tree.folder.read("services/cgroup.subtree_control").find("+cpu") == 0);
}

TEST_CASE("limits that are unset are left to the kernel", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  CHECK(web->set_limits({.pids = 7}).empty());
  CHECK(tree.folder.read("services/web/memory.max").empty());
  CHECK(tree.folder.read("services/web/memory.oom.group").empty());
  CHECK(tree.folder.read("services/web/cpu.max").empty());
}

TEST_CASE("a limit whose controller is missing is told, and the others hold", "[sys]") {
  Tree tree;
  std::filesystem::remove(tree.folder.path("services/web/memory.max"));
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  const auto refused = web->set_limits({.memory = mebibytes(64), .cpu = 2, .pids = {}});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].message.find("services/web/memory.max: No such file or directory") != std::string::npos);
  CHECK(tree.folder.read("services/web/cpu.max") == "200000 100000");
}

TEST_CASE("without a cgroup limits cannot be enforced, which is said once for all", "[sys]") {
  auto web = Containment::create(nullptr, "web");
  REQUIRE(web);
  CHECK(web->set_limits({}).empty());
  CHECK(web->set_limits({.memory = mebibytes(64), .cpu = 1, .pids = 5}).size() == 1);
}

TEST_CASE("figures that the kernel does not offer are told as unknown, not as zero", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  tree.folder.write("services/web/memory.current", "many\n");
  CHECK_FALSE(web->oom_kills());
  CHECK_FALSE(web->memory_current());
  CHECK_FALSE(web->cpu_usage_us());
}

TEST_CASE("killing a leaf is one write to cgroup.kill", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  CHECK(web->kill_all());
  CHECK(tree.folder.read("services/web/cgroup.kill") == "1");
}

TEST_CASE("where a leaf cannot be killed at once it is frozen and killed pid by pid, below it too", "[sys]") {
  Tree tree;
  auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  tree.folder.write("services/web/cgroup.freeze", "");
  REQUIRE(::unlink(tree.folder.path("services/web/cgroup.kill").c_str()) == 0);
  REQUIRE(::mkdir(tree.folder.path("services/web/cgroup.kill").c_str(), 0755) == 0);  // cannot be written
  const pid_t above = forked_sleeper();
  const pid_t below = forked_sleeper();
  tree.folder.write("services/web/cgroup.procs", std::to_string(above) + "\n");
  tree.folder.write("services/web/below/cgroup.procs", std::to_string(below) + "\n");
  CHECK(web->kill_all());
  for (const pid_t pid : {above, below}) {
    int status = 0;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(WTERMSIG(status) == SIGKILL);
  }
  CHECK(tree.folder.read("services/web/cgroup.freeze") == "0");
}

// --- without a cgroup -------------------------------------------------------------------------------------

/// A containment without a cgroup, and a shell in it that has run `script` up to its `echo`.
struct Session {
  Containment containment = Containment::create(nullptr, "web").value();
  pid_t leader = -1;

  explicit Session(const std::string& script) {
    REQUIRE(become_subreaper());
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    UniqueFd reader(ends[0]);
    UniqueFd writer(ends[1]);
    ProcessSpec spec;
    spec.program = "/bin/sh";
    spec.argv = {"sh", "-c", script};
    spec.envp = {"PATH=/usr/bin:/bin", containment.mark()};
    spec.stdio[1] = writer.get();
    auto child = spawn(spec);
    REQUIRE(child);
    leader = child->pid;
    containment.set_leader(leader);
    writer.reset();
    char byte;
    REQUIRE(::read(reader.get(), &byte, 1) == 1);
  }
  ~Session() {
    [[maybe_unused]] auto ignored = containment.kill_all();
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
  }
};

TEST_CASE("a session's members end with it: its children and other process groups in it", "[sys]") {
  Session session("set -m; sleep 60 & sleep 60 & echo up; wait");
  CHECK(session.containment.is_populated());
  CHECK(session.containment.cgroup_fd() == -1);
  CHECK(session.containment.kill_all());
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK_FALSE(session.containment.is_populated());
}

TEST_CASE("a session whose processes only live until they have forked ends with it all the same", "[sys]") {
  Session session("echo up; storm() { [ $1 -gt 5000 ] || storm $(($1 + 1)) & }; storm 0");
  CHECK(session.containment.kill_all());
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK_FALSE(session.containment.is_populated());
}

TEST_CASE("a session contains its processes and no others", "[sys]") {
  Session session("echo up; sleep 60");
  const Session other("echo up; sleep 60");
  CHECK(session.containment.contains(session.leader));
  CHECK_FALSE(session.containment.contains(other.leader));
  CHECK_FALSE(session.containment.contains(::getpid()));
  for (const pid_t nobody : {0, -1, -session.leader}) CHECK_FALSE(session.containment.contains(nobody));
  CHECK(session.containment.kill_all());
  CHECK(other.containment.kill_all());
}

TEST_CASE("a cgroup contains those that its cgroup.procs names, and those of the cgroups below", "[sys]") {
  Tree tree;
  const auto web = Containment::create(&tree.root, "web");
  REQUIRE(web);
  tree.folder.write("services/web/cgroup.procs", "12\n0\n14\n");
  tree.folder.write("services/web/below/cgroup.procs", "13\n");
  for (const pid_t pid : {12, 13, 14}) CHECK(web->contains(pid));
  for (const pid_t pid : {0, 1, 2, -12}) CHECK_FALSE(web->contains(pid));
}

TEST_CASE("a daemon that forked twice into a session of its own is still a member", "[sys]") {
  Session session("(setsid sh -c 'sleep 60 & exec >&-' &) ; sleep 60 & echo up; wait");
  CHECK(session.containment.kill_all());
  while (::waitpid(-1, nullptr, 0) > 0) {
  }
  CHECK_FALSE(session.containment.is_populated());
}

TEST_CASE("a containment leaves the processes of another one alone", "[sys]") {
  Session one("echo up; exec sleep 60");
  Session other("echo up; exec sleep 60");
  CHECK(one.containment.mark() != other.containment.mark());
  CHECK(one.containment.kill_all());
  REQUIRE(::waitpid(one.leader, nullptr, 0) == one.leader);
  CHECK_FALSE(one.containment.is_populated());
  CHECK(other.containment.is_populated());
}

TEST_CASE("a leader that is dead but not reaped does not count as a member", "[sys]") {
  Session session("echo up; exit 0");
  siginfo_t info{};
  REQUIRE(::waitid(P_PID, static_cast<id_t>(session.leader), &info, WEXITED | WNOWAIT) == 0);
  CHECK_FALSE(session.containment.is_populated());
  CHECK(session.containment.signal_all(SIGTERM));
}

TEST_CASE("a containment that nothing was put into has no members and no figures", "[sys]") {
  auto empty = Containment::create(nullptr, "web");
  REQUIRE(empty);
  CHECK_FALSE(empty->is_populated());
  CHECK(empty->kill_all());
  CHECK_FALSE(empty->oom_kills());
  CHECK_FALSE(empty->memory_current());
}

// --- /proc ------------------------------------------------------------------------------------------------

TEST_CASE("a process's line is read though its name holds parentheses and spaces", "[sys]") {
  CHECK(parse_process_stat("42 (a) R 1 (b c) S 7 8 9 0 -1") == ProcessInfo{42, 7, 8, 9, false});
  CHECK(parse_process_stat("42 (x) Z 7 8 9 0 -1") == ProcessInfo{42, 7, 8, 9, true});
}

TEST_CASE("what is no process's line is refused", "[sys]") {
  for (const char* line : {"", "42", "42 (x)", "42 (x) S 7", "42 (x) S a b c", ") (", "x (y) S 1 2 3"}) {
    CHECK_FALSE(parse_process_stat(line));
  }
}

TEST_CASE("descendants are found through any depth and in any order", "[sys]") {
  const std::vector<ProcessInfo> all = {{5, 9, 0, 0}, {9, 2, 0, 0}, {2, 1, 0, 0}, {3, 1, 0, 0}, {4, 3, 0, 0}};
  std::vector<pid_t> pids;
  for (const ProcessInfo& process : descendants_of(2, all)) pids.push_back(process.pid);
  CHECK(pids == std::vector<pid_t>{9, 5});
  CHECK(descendants_of(4, all).empty());
}

TEST_CASE("processes are listed from a folder, entries that are none are passed over", "[sys]") {
  test::TemporaryFolder proc;
  proc.write("12/stat", "12 (a) S 1 12 12 0");
  proc.write("13/stat", "broken");
  proc.write("sys/stat", "14 (a) S 1 12 12 0");
  std::filesystem::create_directories(proc.path("15"));
  CHECK(list_processes(proc.path()) == std::vector<ProcessInfo>{{12, 1, 12, 12, false}});
  CHECK(list_processes(proc.path("none")).empty());
}

TEST_CASE("a /proc of another PID namespace is told from our own", "[sys]") {
  test::TemporaryFolder proc;
  CHECK(is_of_our_namespace());
  CHECK_FALSE(is_of_our_namespace(proc.path()));
  std::filesystem::create_symlink(std::to_string(::getpid() + 1), proc.path("self"));
  CHECK_FALSE(is_of_our_namespace(proc.path()));
}

TEST_CASE("only a whole entry of the environment counts", "[sys]") {
  test::TemporaryFolder proc;
  proc.write("12/environ", std::string("A=1\0MARK=7-12\0B=2\0", 18));
  CHECK(has_environment_entry(12, "MARK=7-12", proc.path()));
  CHECK_FALSE(has_environment_entry(12, "MARK=7-1", proc.path()));
  CHECK_FALSE(has_environment_entry(13, "MARK=7-12", proc.path()));
}

}  // namespace
}  // namespace kestrel::sys
