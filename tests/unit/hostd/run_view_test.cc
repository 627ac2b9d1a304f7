#include "hostd/cli/run_view.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <termios.h>

#include <catch2/catch.hpp>

#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// A terminal, of which the test sees every byte.
class Screen {
 public:
  Screen() : near_(::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    REQUIRE((::grantpt(near_.get()) == 0 && ::unlockpt(near_.get()) == 0));
    far_ = sys::UniqueFd(::open(::ptsname(near_.get()), O_RDWR | O_NOCTTY));
    termios settings{};
    ::tcgetattr(far_.get(), &settings);
    ::cfmakeraw(&settings);
    ::tcsetattr(far_.get(), TCSANOW, &settings);
  }
  [[nodiscard]] int fd() const { return far_.get(); }
  /// All since the last time. The kernel takes it from end to end in its own time, in order: so an end is put
  /// behind it.
  std::string shown() {
    constexpr char end = '\0';
    REQUIRE(::write(far_.get(), &end, 1) == 1);
    std::string text;
    pollfd readable{near_.get(), POLLIN, 0};
    while (!text.ends_with(end) && ::poll(&readable, 1, 10'000) == 1) {
      char buffer[4096];
      const auto count = ::read(near_.get(), buffer, sizeof buffer);
      text.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    }
    REQUIRE(text.ends_with(end));
    text.pop_back();
    return text;
  }

 private:
  sys::UniqueFd near_;
  sys::UniqueFd far_;
};

struct Bench {
  Screen screen;
  loop::Loop loop;
  VmSpec spec;
  RunView view{loop, named(spec), Verbosity::normal, {.logs = screen.fd(), .steps = screen.fd()}};

  static const VmSpec& named(VmSpec& spec) {
    spec.name = "site";
    return spec;
  }
};

}  // namespace

TEST_CASE("the steps of a boot are one line that grows", "[hostd]") {
  Bench bench;
  bench.view.on_progress(Step::vm, {});
  bench.view.on_progress(Step::kernel, milliseconds(500));
  CHECK(bench.screen.shown() == "\r\x1b[Ksite: VM starting\r\x1b[Ksite: VM starting → kernel 0.50s");
}

TEST_CASE("a second try leaves nothing of the first one's line behind", "[hostd]") {
  Bench bench;
  bench.view.on_progress(Step::vm, {});
  bench.view.on_notice("no KVM");
  bench.screen.shown();
  bench.view.on_progress(Step::vm, {});
  CHECK(bench.screen.shown() == "\r\x1b[K\r\x1b[Ksite: VM starting");
}

TEST_CASE("a guest that comes up again after it was healthy begins a line below", "[hostd]") {
  Bench bench;
  bench.view.on_progress(Step::vm, {});
  bench.view.on_progress(Step::healthy, seconds(1));
  CHECK(bench.screen.shown().ends_with("healthy 1.00s\n"));
  bench.view.on_progress(Step::vm, {});
  CHECK(bench.screen.shown() == "\r\x1b[Ksite: VM starting");
}

TEST_CASE("lines of the log that are lost are told where they are missing", "[hostd]") {
  Bench bench;
  bench.view.on_log({.service = "api", .stream = "stdout", .line = "one"});
  bench.view.on_lost_logs(1);
  bench.view.on_lost_logs(7);
  const auto shown = bench.screen.shown();
  CHECK(
      shown.ends_with("kestrelctl: 1 line of the guest's log lost\n"
                      "kestrelctl: 7 lines of the guest's log lost\n"));
}
