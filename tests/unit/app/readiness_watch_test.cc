#include "kestrel/app/readiness_watch.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kestrel/base/text.h"

namespace kestrel::app {
namespace {

/// A watch, and the test as the process that it watches.
class Bench {
 public:
  explicit Bench(const config::Readiness& readiness) {
    watch =
        ReadinessWatch::create(loop, readiness,
                               {.run = core::RunId{7},
                                .service = "web",
                                .contains = [this](pid_t pid) { return is_member && pid == ::getpid(); },
                                .tell = [this](core::Event event) { events.push_back(std::move(event)); }})
            .value();
    if (watch) watch->equip(spec);
  }

  /// What a process does with its NOTIFY_SOCKET.
  void send(std::string_view text, int passed_fd = -1) {
    const auto address = spec.envp.back().substr(std::string_view("NOTIFY_SOCKET=").size());
    sockaddr_un target{};
    target.sun_family = AF_UNIX;
    std::memcpy(target.sun_path + 1, address.data() + 1, address.size() - 1);
    const sys::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    iovec piece{const_cast<char*>(text.data()), text.size()};
    alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
    msghdr message{};
    message.msg_name = &target;
    message.msg_namelen = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    if (passed_fd >= 0) {
      message.msg_control = ancillary;
      message.msg_controllen = sizeof ancillary;
      auto* header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(sizeof(int));
      std::memcpy(CMSG_DATA(header), &passed_fd, sizeof(int));
    }
    REQUIRE(::sendmsg(socket.get(), &message, 0) == static_cast<ssize_t>(text.size()));
  }

  void await_event() {
    loop::Timer limit(loop, [] { FAIL("waited in vain"); });
    limit.arm(seconds(20));
    while (events.empty()) loop.run_once();
  }

  template <typename T>
  const T& only() {
    REQUIRE(events.size() == 1);
    REQUIRE(std::holds_alternative<T>(events.front()));
    return std::get<T>(events.front());
  }

  loop::Loop loop;
  sys::ProcessSpec spec{.program = "/bin/web", .argv = {}, .envp = {"NOTIFY_SOCKET=/old", "A=1"}};
  bool is_member = true;
  std::vector<core::Event> events;
  std::unique_ptr<ReadinessWatch> watch;
};

TEST_CASE("where a service is ready by itself or by a probe there is nothing to watch", "[app]") {
  Bench started(config::ReadyWhenStarted{});
  CHECK(started.watch == nullptr);
  Bench tcp(config::ReadyByTcp{80});
  CHECK(tcp.watch == nullptr);
}

TEST_CASE("a process gets its own notification socket and nobody else's", "[app]") {
  Bench one(config::ReadyByNotify{});
  Bench other(config::ReadyByNotify{});
  REQUIRE(one.spec.envp.size() == 2);
  CHECK(one.spec.envp.front() == "A=1");
  CHECK(one.spec.envp.back().starts_with("NOTIFY_SOCKET=@"));
  CHECK(one.spec.envp.back() != other.spec.envp.back());
}

TEST_CASE("a message of the run's own process is told", "[app]") {
  Bench bench(config::ReadyByNotify{});
  bench.send("READY=1\nSTATUS=up");
  bench.await_event();
  const auto& notified = bench.only<core::Notified>();
  CHECK(notified.run == core::RunId{7});
  CHECK(notified.is_ready);
  CHECK(notified.status == "up");
}

TEST_CASE("a message of a stranger is not told", "[app]") {
  Bench bench(config::ReadyByNotify{});
  bench.is_member = false;
  bench.send("READY=1");
  bench.send("READY=1");
  bench.watch->hear_rest();
  CHECK(bench.events.empty());
  bench.is_member = true;
  bench.send("STATUS=mine");
  bench.watch->hear_rest();
  CHECK(bench.only<core::Notified>().status == "mine");
}

TEST_CASE("a message that is too long is ignored as a whole", "[app]") {
  Bench bench(config::ReadyByNotify{});
  bench.send(concat("READY=1\nX=", std::string(sys::longest_notification, 'x')));
  bench.watch->hear_rest();
  CHECK(bench.events.empty());
}

TEST_CASE("descriptors that come with a message are closed", "[app]") {
  Bench bench(config::ReadyByNotify{});
  int ends[2];
  REQUIRE(::pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0);
  const sys::UniqueFd reader(ends[0]);
  sys::UniqueFd writer(ends[1]);
  bench.send("BARRIER=1", writer.get());
  writer.reset();
  char byte;
  CHECK(::read(reader.get(), &byte, 1) == -1);
  bench.watch->hear_rest();
  CHECK(::read(reader.get(), &byte, 1) == 0);
}

TEST_CASE("reloading shows as a status until the service is ready again", "[app]") {
  Bench bench(config::ReadyByNotify{});
  for (const char* text : {"RELOADING=1", "WATCHDOG=1", "READY=1", "READY=1", "STOPPING=1"}) bench.send(text);
  bench.watch->hear_rest();
  std::vector<std::optional<std::string>> statuses;
  for (const auto& event : bench.events) statuses.push_back(std::get<core::Notified>(event).status);
  CHECK(statuses == std::vector<std::optional<std::string>>{"reloading", {}, "", {}, "stopping"});
}

TEST_CASE("a notification descriptor stands at its number, and those before it stay closed", "[app]") {
  Bench bench(config::ReadyByFd{5});
  REQUIRE(bench.spec.inherited.size() == 3);
  CHECK(bench.spec.inherited[0] == -1);
  CHECK(bench.spec.inherited[1] == -1);
  CHECK(bench.spec.inherited[2] >= 0);
  CHECK(::fcntl(bench.spec.inherited[2], F_GETFD) == FD_CLOEXEC);
}

TEST_CASE("a newline on the notification descriptor reports readiness once", "[app]") {
  Bench bench(config::ReadyByFd{3});
  const sys::UniqueFd process(::dup(bench.spec.inherited.front()));
  bench.watch->handle_spawned();
  REQUIRE(::write(process.get(), "rea", 3) == 3);
  REQUIRE(::write(process.get(), "dy\nmore\n", 8) == 8);
  bench.await_event();
  CHECK(bench.only<core::ReadinessReported>().run == core::RunId{7});
}

TEST_CASE("a notification descriptor that is closed without a newline rules readiness out", "[app]") {
  Bench bench(config::ReadyByFd{4});
  {
    const sys::UniqueFd process(::dup(bench.spec.inherited.back()));
    bench.watch->handle_spawned();
    REQUIRE(::write(process.get(), "almost", 6) == 6);
  }
  bench.await_event();
  CHECK(bench.only<core::ReadinessRuledOut>().reason == "it closed descriptor 4 without a word");
}

TEST_CASE("the first line that matches reports readiness, from the loop", "[app]") {
  Bench bench(config::ReadyByLog{"^listening on [0-9]+"});
  bench.watch->handle_line("not listening on 80");
  bench.watch->handle_line("listening on 80");
  bench.watch->handle_line("listening on 81");
  CHECK(bench.events.empty());
  bench.await_event();
  CHECK(bench.only<core::ReadinessReported>().run == core::RunId{7});
}

TEST_CASE("a report outlives the watch that made it", "[app]") {
  Bench bench(config::ReadyByLog{"up"});
  bench.watch->handle_line("up");
  bench.watch.reset();
  bench.await_event();
  CHECK(bench.events.size() == 1);
}

}  // namespace
}  // namespace kestrel::app
