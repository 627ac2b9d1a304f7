#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/process.h"

namespace kestrel::sys {
namespace {

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  std::string read() {
    writer.reset();
    std::string text(64, '\0');
    text.resize(static_cast<std::size_t>(::read(reader.get(), text.data(), text.size())));
    return text;
  }
  UniqueFd reader;
  UniqueFd writer;
};

ProcessSpec shell(const std::string& script) {
  ProcessSpec spec;
  spec.program = "/bin/sh";
  spec.argv = {"sh", "-c", script};
  return spec;
}

}  // namespace

TEST_CASE("inherited descriptors arrive as 3 and 4, whatever they were before", "[sys]") {
  Pipe first;
  Pipe second;
  ProcessSpec spec = shell("echo one >&3; echo two >&4");
  // The second's number is certainly not the one it has to become, and may be the first's.
  spec.inherited = {second.writer.get(), first.writer.get()};
  auto child = spawn(spec);
  REQUIRE(child);
  REQUIRE(::waitpid(child->pid, nullptr, 0) == child->pid);
  CHECK(second.read() == "one\n");
  CHECK(first.read() == "two\n");
}

TEST_CASE("an inherited descriptor can have a number of its own, and those before it stay closed", "[sys]") {
  Pipe pipe;
  ProcessSpec spec = shell("for n in 3 4 5 6; do [ -e /proc/$$/fd/$n ] && echo $n >&6; done");
  spec.inherited = {-1, -1, -1, pipe.writer.get()};
  auto child = spawn(spec);
  REQUIRE(child);
  REQUIRE(::waitpid(child->pid, nullptr, 0) == child->pid);
  CHECK(pipe.read() == "6\n");
}

TEST_CASE("a child with a parent death signal does not outlive its parent", "[sys]") {
  Pipe alive;
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    ProcessSpec spec = shell("exec sleep 100");
    spec.stdio[1] = alive.writer.get();
    spec.parent_death_signal = SIGKILL;
    const auto child = spawn(spec);
    const bool has_started = child && !exec_outcome(*child);
    ::_exit(has_started && ::write(alive.writer.get(), &child->pid, sizeof child->pid) > 0 ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(parent, &status, 0) == parent);
  CHECK(status == 0);
  alive.writer.reset();
  pid_t child = 0;
  REQUIRE(::read(alive.reader.get(), &child, sizeof child) == sizeof child);
  pollfd end{alive.reader.get(), POLLIN, 0};
  CHECK(::poll(&end, 1, 20'000) == 1);
  // It is ours by now where another test has made us the subreaper.
  ::waitpid(child, nullptr, 0);
}

}  // namespace kestrel::sys
