#include "kestrel/loop/listener.h"

#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <optional>
#include <vector>

#include "kestrel/sys/socket.h"
#include "tests/unit/loop/fixtures.h"

using namespace kestrel;
using namespace kestrel::loop;
using namespace kestrel::loop::test;

namespace {

struct Port {
  sys::UniqueFd socket = *sys::listen_tcp("127.0.0.1", 0);
  std::uint16_t number = *sys::bound_tcp_port(socket);
};

/// No descriptor can be made while it lives.
class OutOfDescriptors {
 public:
  OutOfDescriptors() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const sys::UniqueFd next(::dup(0));
    rlimit none{static_cast<rlim_t>(next.get()), before_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &none);
  }
  ~OutOfDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("every connection that waits is accepted, non-blocking and close-on-exec", "[loop]") {
  Loop loop;
  Port port;
  std::vector<sys::UniqueFd> accepted;
  const auto number = port.number;
  Listener listener(loop, std::move(port.socket),
                    [&](sys::UniqueFd fd) { accepted.push_back(std::move(fd)); });
  std::vector<sys::UniqueFd> clients;
  for (int i = 0; i < 20; ++i) clients.push_back(*sys::connect_tcp("127.0.0.1", number));
  REQUIRE(run_until(loop, [&] { return accepted.size() == 20; }));
  CHECK((::fcntl(accepted[0].get(), F_GETFL) & O_NONBLOCK) != 0);
  CHECK((::fcntl(accepted[0].get(), F_GETFD) & FD_CLOEXEC) != 0);
}

TEST_CASE("a listener may close itself in its callback", "[loop]") {
  Loop loop;
  Port port;
  const auto number = port.number;
  std::optional<Listener> listener;
  int accepted = 0;
  listener.emplace(loop, std::move(port.socket), [&, held = std::make_shared<int>(1)](sys::UniqueFd) {
    listener.reset();
    accepted += *held;
  });
  auto first = sys::connect_tcp("127.0.0.1", number);
  auto second = sys::connect_tcp("127.0.0.1", number);
  loop.run();
  CHECK(accepted == 1);
}

TEST_CASE("a moved listener goes on, and is closed by assigning an empty one", "[loop]") {
  Loop loop;
  Port port;
  const auto number = port.number;
  int accepted = 0;
  Listener first(loop, std::move(port.socket), [&](sys::UniqueFd) { ++accepted; });
  Listener second(std::move(first));
  CHECK(second.is_open());
  CHECK_FALSE(first.is_open());
  auto client = sys::connect_tcp("127.0.0.1", number);
  REQUIRE(run_until(loop, [&] { return accepted == 1; }));
  second = {};
  CHECK_FALSE(second.is_open());
  loop.run();
}

TEST_CASE("out of descriptors, accepting pauses instead of spinning, and goes on later", "[loop]") {
  Loop loop;
  Port port;
  int accepted = 0;
  Listener listener(loop, std::move(port.socket), [&](sys::UniqueFd) { ++accepted; });
  auto client = sys::connect_tcp("127.0.0.1", port.number);
  settle(loop);
  CHECK(accepted == 1);
  auto second = sys::connect_tcp("127.0.0.1", port.number);
  std::optional<OutOfDescriptors> none(std::in_place);
  loop.run_once();  // finds no descriptor
  CHECK(accepted == 1);
  none.reset();
  // Were it spinning, the connection would be accepted in the very next round, without the pause.
  settle(loop);
  CHECK(accepted == 1);
  // valgrind accepts and closes what is beyond the limit: only a third connection is sure to be there.
  auto third = sys::connect_tcp("127.0.0.1", port.number);
  CHECK(run_until(
      loop, [&] { return accepted >= 2; }, 10));
}
