#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <optional>

#include "kestrel/probes/probe.h"

namespace kestrel::probes {
namespace {

class FakeProcess final : public LaunchedProcess {
 public:
  FakeProcess(sys::UniqueFd output, int& killed) : LaunchedProcess(std::move(output)), killed_(&killed) {}
  ~FakeProcess() override { ++*killed_; }

 private:
  int* killed_;
};

/// Launches nothing: the test writes the output and tells the end.
class FakeLauncher final : public ProcessLauncher {
 public:
  Result<std::unique_ptr<LaunchedProcess>> launch(const config::Command& command,
                                                  std::function<void(sys::ExitStatus)> on_exit) override {
    launched = command;
    if (failure) return *failure;
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return errno_error("cannot make a pipe", errno);
    output.reset(ends[1]);
    auto process = std::make_unique<FakeProcess>(sys::UniqueFd(ends[0]), killed);
    end = std::move(on_exit);
    if (ends_inside) end({});
    return std::unique_ptr<LaunchedProcess>(std::move(process));
  }

  void print(std::string_view text) const {
    REQUIRE(::write(output.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }

  std::optional<config::Command> launched;
  std::optional<Error> failure;
  bool ends_inside = false;
  sys::UniqueFd output;
  std::function<void(sys::ExitStatus)> end;
  int killed = 0;
};

struct Scene {
  loop::Loop loop;
  FakeLauncher launcher;
  config::Probe probe;
  std::optional<ProbeResult> result;
  std::unique_ptr<Probing> probing;

  explicit Scene(std::string pattern = {}) {
    probe = config::ExecProbe{.command = {.program = "/bin/check", .args = {"-a"}},
                              .success_pattern = std::move(pattern)};
  }
  void start() {
    probing = start_probe(loop, probe, {&launcher}, [this](const ProbeResult& told) {
      CHECK_FALSE(result);
      result = told;
    });
    CHECK_FALSE(result);
  }
  ProbeResult finish() {
    for (int i = 0; i < 100 && !result; ++i) loop.run_once();
    REQUIRE(result);
    return *result;
  }
};

}  // namespace

TEST_CASE("a program that exits with 0 is healthy", "[probes]") {
  Scene scene;
  scene.start();
  CHECK(scene.launcher.launched == config::Command{"/bin/check", {"-a"}});
  scene.launcher.end({});
  const auto result = scene.finish();
  CHECK(result.is_ok);
  CHECK(result.message == "/bin/check exited with 0");
}

TEST_CASE("a program that exits otherwise is unhealthy, with its last words", "[probes]") {
  Scene scene;
  scene.start();
  scene.launcher.print("looking\ncannot reach the database\n");
  scene.launcher.end({.code = 3, .signal = 0});
  const auto result = scene.finish();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == "/bin/check exited with 3: cannot reach the database");
}

TEST_CASE("a program that is killed is unhealthy and names the signal", "[probes]") {
  Scene scene;
  scene.start();
  scene.launcher.end({.code = 0, .signal = SIGKILL});
  CHECK(scene.finish().message == "/bin/check was killed by SIGKILL");
}

TEST_CASE("the pattern must be in the output, also in what came just before the end", "[probes]") {
  Scene with("cro.d"), without("cro.d");
  with.start();
  with.launcher.print("root 1 init\nroot 7 crond\n");
  with.launcher.end({});
  CHECK(with.finish().message == "/bin/check printed 'cro.d'");
  without.start();
  without.launcher.print("root 1 init\n");
  without.launcher.end({});
  const auto result = without.finish();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == "/bin/check did not print 'cro.d'");
}

TEST_CASE("output is read while the program runs, and only its first 64 KiB are kept", "[probes]") {
  Scene scene("needle");
  scene.start();
  const std::string block(16 * 1024, 'x');
  for (int i = 0; i < 64; ++i) {
    scene.launcher.print(block);
    scene.loop.run_once();
  }
  scene.launcher.print("needle");
  scene.launcher.end({});
  CHECK_FALSE(scene.finish().is_ok);
}

TEST_CASE("a program that closes its output early is waited for", "[probes]") {
  Scene scene;
  scene.start();
  scene.launcher.output.reset();
  scene.loop.run_once();
  CHECK_FALSE(scene.result);
  scene.launcher.end({});
  CHECK(scene.finish().is_ok);
}

TEST_CASE("a child that holds the output open does not keep the result", "[probes]") {
  Scene scene;
  scene.start();
  scene.launcher.end({});
  CHECK(scene.finish().is_ok);
  CHECK(scene.launcher.output.is_open());
}

TEST_CASE("a program that ends while it is launched is told from the loop", "[probes]") {
  Scene scene;
  scene.launcher.ends_inside = true;
  scene.start();
  CHECK(scene.finish().is_ok);
}

TEST_CASE("a program that cannot be started is unhealthy with the reason", "[probes]") {
  Scene scene;
  scene.launcher.failure = Error{"cannot run /bin/check: No such file or directory", ENOENT};
  scene.start();
  const auto result = scene.finish();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == "cannot run /bin/check: No such file or directory");
}

TEST_CASE("cancelling an exec probe destroys its process and says nothing", "[probes]") {
  Scene scene;
  scene.start();
  scene.probing.reset();
  CHECK(scene.launcher.killed == 1);
  scene.loop.run();
  CHECK_FALSE(scene.result);
}

}  // namespace kestrel::probes
