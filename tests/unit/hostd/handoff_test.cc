#include "hostd/runner/handoff.h"

#include <sys/socket.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

struct Bench : LoopBench {
  Bench() { REQUIRE(server.listen(path)); }
  static std::pair<sys::UniqueFd, sys::UniqueFd> pair() {
    int ends[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
  }
  [[nodiscard]] sys::UniqueFd connect() const {
    auto socket = sys::connect_unix(path);
    REQUIRE(socket);
    return std::move(*socket);
  }

  struct Taken {
    sys::UniqueFd connection;
    std::uint16_t port;
  };
  TemporaryFolder folder;
  std::string path = folder.file("handoff.sock");
  std::vector<Taken> taken;
  HandoffServer server{loop, [this](sys::UniqueFd connection, std::uint16_t port) {
                         taken.push_back({std::move(connection), port});
                       }};
};

}  // namespace

TEST_CASE("a connection that is handed over goes on where it is taken, its giver gone", "[hostd]") {
  Bench bench;
  auto [near, far] = Bench::pair();
  REQUIRE(hand_over(bench.path, far, 0xabcd));
  far = {};
  bench.run_until([&] { return bench.taken.size() == 1; });
  CHECK(bench.taken.front().port == 0xabcd);
  REQUIRE(::send(bench.taken.front().connection.get(), "hello", 5, MSG_NOSIGNAL) == 5);
  CHECK(Inbox(near.get()).has("hello"));
  bench.taken.clear();
  CHECK(Inbox(near.get()).pull());
}

TEST_CASE("what the caller had sent already is not lost", "[hostd]") {
  Bench bench;
  const auto [near, far] = Bench::pair();
  REQUIRE(::send(near.get(), "early", 5, MSG_NOSIGNAL) == 5);
  REQUIRE(hand_over(bench.path, far, 80));
  bench.run_until([&] { return bench.taken.size() == 1; });
  CHECK(Inbox(bench.taken.front().connection.get()).has("early"));
}

TEST_CASE("where no runner is the giver learns it, and keeps his connection", "[hostd]") {
  const TemporaryFolder folder;
  const auto [near, far] = Bench::pair();
  CHECK(hand_over(folder.file("handoff.sock"), far, 80).error().code == ENOENT);
  { REQUIRE(sys::listen_unix(folder.file("handoff.sock"), 0600)); }
  CHECK(hand_over(folder.file("handoff.sock"), far, 80).error().code == ECONNREFUSED);
  REQUIRE(::send(far.get(), "hello", 5, MSG_NOSIGNAL) == 5);
  CHECK(Inbox(near.get()).has("hello"));
}

TEST_CASE("a giver who brings nothing, or too little, is sent away", "[hostd]") {
  Bench bench;
  const auto silent = bench.connect();
  const auto bare = bench.connect();
  REQUIRE(::send(bare.get(), "\0\x50", 2, MSG_NOSIGNAL) == 2);
  bench.run_until([&] { return Inbox(bare.get()).pull(); });
  const auto brief = bench.connect();
  REQUIRE(::send(brief.get(), "x", 1, MSG_NOSIGNAL) == 1);
  bench.run_until([&] { return Inbox(brief.get()).pull(); });
  { const auto gone = bench.connect(); }
  bench.settle();
  CHECK(bench.taken.empty());
  CHECK_FALSE(Inbox(silent.get()).pull());
}

TEST_CASE("givers who hold their connections open are bounded, and others are served again when they go",
          "[hostd]") {
  Bench bench;
  const auto [near, far] = Bench::pair();
  {
    std::vector<sys::UniqueFd> idle;
    for (int i = 0; i < 256; ++i) {
      idle.push_back(bench.connect());
      bench.settle();
    }
    const auto beyond = bench.connect();
    bench.run_until([&] { return Inbox(beyond.get()).pull(); });
    CHECK_FALSE(Inbox(idle.front().get()).pull());
  }
  bench.settle();
  REQUIRE(hand_over(bench.path, far, 80));
  bench.run_until([&] { return bench.taken.size() == 1; });
}

TEST_CASE("only the VM's own user hands connections over", "[hostd]") {
  Bench bench;
  struct stat status {};
  REQUIRE(::stat(bench.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}
