#include <catch2/catch.hpp>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/stream.h"
#include "kestrel/probes/probe.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/http.h"

namespace kestrel::probes {
namespace {

/// A server on the loopback that answers every request with the same bytes, and one probe of it.
class Scene {
 public:
  explicit Scene(std::string answer) : answer_(std::move(answer)) {
    auto socket = *sys::listen_tcp("127.0.0.1", 0);
    probe.port = *sys::bound_tcp_port(socket);
    listener_ = loop::Listener(loop, std::move(socket), [this](sys::UniqueFd fd) { serve(std::move(fd)); });
  }

  void close_server() { listener_ = {}; }
  void say_nothing() { is_silent_ = true; }

  ProbeResult run() {
    std::optional<ProbeResult> result;
    held_ = probe;
    probing = start_probe(loop, held_, {}, [&](const ProbeResult& told) {
      CHECK_FALSE(result);
      result = told;
      loop.stop();
    });
    CHECK_FALSE(result);
    loop.run();
    REQUIRE(result);
    return *result;
  }

  /// `GET http://127.0.0.1:PORT/health` and what comes behind it.
  [[nodiscard]] std::string about(std::string_view what) const {
    return concat(probe.method, " http://127.0.0.1:", probe.port, probe.path, what);
  }

  loop::Loop loop;
  config::HttpProbe probe{.path = "/health"};
  std::unique_ptr<Probing> probing;
  std::optional<wire::Request> heard;

 private:
  void serve(sys::UniqueFd fd) {
    stream_ = loop::Stream(loop, std::move(fd),
                           {.on_data = [this](std::string_view bytes) { answer(bytes); },
                            .on_end = [this](const Error*) { stream_ = {}; },
                            .on_drained = {}});
    stream_.start_reading();
  }
  void answer(std::string_view bytes) {
    auto request = reader_.feed(bytes);
    if (!request || !*request) return;
    heard = **request;
    if (is_silent_) return;
    stream_.write(answer_);
    stream_.close_after_flush();
  }

  config::Probe held_;
  std::string answer_;
  bool is_silent_ = false;
  wire::RequestReader reader_{kibibytes(64)};
  loop::Listener listener_;
  loop::Stream stream_;
};

std::string answer(int status, std::string body = "fine") {
  return wire::serialize(wire::Response{.status = status, .headers = {}, .body = std::move(body)});
}

}  // namespace

TEST_CASE("every status from 200 to 399 is healthy, and no other", "[probes]") {
  const auto [status, is_ok] = GENERATE(table<int, bool>(
      {{200, true}, {204, true}, {302, true}, {399, true}, {400, false}, {404, false}, {503, false}}));
  Scene scene(concat("HTTP/1.1 ", status, " X\r\nContent-Length: 0\r\n\r\n"));
  const auto result = scene.run();
  CHECK(result.is_ok == is_ok);
  CHECK(result.message == scene.about(concat(" answered ", status)));
}

TEST_CASE("an interim answer is none", "[probes]") {
  Scene scene("HTTP/1.1 199 X\r\n\r\n");
  const auto result = scene.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == scene.about(": closed without an answer"));
}

TEST_CASE("the request is what the configuration says, for this once", "[probes]") {
  Scene scene(answer(200));
  scene.probe.method = "POST";
  scene.probe.path = "/health?deep=1";
  scene.probe.headers = {{"Authorization", "Bearer x"}};
  scene.run();
  REQUIRE(scene.heard);
  CHECK(scene.heard->method == "POST");
  CHECK(scene.heard->target == "/health?deep=1");
  CHECK(wire::find_header(scene.heard->headers, "Host") == concat("127.0.0.1:", scene.probe.port));
  CHECK(wire::find_header(scene.heard->headers, "Authorization") == "Bearer x");
  CHECK_FALSE(scene.heard->keep_alive);
}

TEST_CASE("a Host header of the configuration replaces ours", "[probes]") {
  Scene scene(answer(200));
  scene.probe.headers = {{"host", "example.org"}};
  scene.run();
  CHECK(wire::find_header(scene.heard->headers, "Host") == "example.org");
}

TEST_CASE("only the expected statuses count where there are any", "[probes]") {
  Scene teapot(answer(418)), plain(answer(200));
  teapot.probe.expect_status = plain.probe.expect_status = {401, 418};
  CHECK(teapot.run().is_ok);
  CHECK_FALSE(plain.run().is_ok);
}

TEST_CASE("the expected text must be in the body", "[probes]") {
  Scene with(answer(200, "state: READY now")), without(answer(200, "state: starting"));
  with.probe.expect_body = without.probe.expect_body = "(?i)ready";
  CHECK(with.run().is_ok);
  const auto result = without.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == without.about(" answered without '(?i)ready'"));
}

TEST_CASE("a body without end is looked at up to 64 KiB", "[probes]") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
  Scene near(head + "needle" + std::string(200'000, 'x')),
      far(head + std::string(100'000, 'x') + "needle" + std::string(100'000, 'x'));
  near.probe.expect_body = far.probe.expect_body = "needle";
  CHECK(near.run().is_ok);
  CHECK_FALSE(far.run().is_ok);
}

TEST_CASE("a big page is healthy when nothing is expected of its body", "[probes]") {
  Scene scene(answer(200, std::string(1'000'000, 'x')));
  CHECK(scene.run().is_ok);
}

TEST_CASE("HEAD is answered by the head alone", "[probes]") {
  Scene scene("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n");
  scene.probe.method = "HEAD";
  CHECK(scene.run().is_ok);
}

TEST_CASE("an old server's answer ends with its connection", "[probes]") {
  Scene scene("HTTP/1.0 200 OK\r\n\r\nfine");
  scene.probe.expect_body = "^fine$";
  CHECK(scene.run().is_ok);
}

TEST_CASE("nobody at the port is told as such", "[probes]") {
  Scene scene(answer(200));
  scene.close_server();
  const auto result = scene.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == scene.about(": connection refused"));
}

TEST_CASE("a server that closes early, half-way or talks nonsense is unhealthy", "[probes]") {
  const auto [bytes, message] = GENERATE(table<std::string, std::string>({
      {"", ": closed without an answer"},
      {"HTTP/1.1 200", ": closed without an answer"},
      {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", ": closed in the middle of its answer"},
      {"220 mail.example.org ESMTP\r\n\r\n", ": cannot read the message: bad version"},
  }));
  Scene scene(bytes);
  const auto result = scene.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message == scene.about(message));
}

TEST_CASE("localhost is known, other names are not", "[probes]") {
  Scene scene(answer(200));
  scene.probe.host = "localhost";
  CHECK(scene.run().is_ok);
  scene.probe.host = "example.org";
  const auto result = scene.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message.find("not a numeric IPv4 or IPv6 address") != std::string::npos);
}

TEST_CASE("a pattern that is none makes the check fail with its mistake", "[probes]") {
  Scene scene(answer(200));
  scene.probe.expect_body = "(";
  const auto result = scene.run();
  CHECK_FALSE(result.is_ok);
  CHECK(result.message.find("cannot use the pattern '('") != std::string::npos);
}

TEST_CASE("a cancelled probe says nothing and closes its connection", "[probes]") {
  Scene scene(answer(200));
  scene.say_nothing();
  const config::Probe probe = scene.probe;
  auto probing = start_probe(scene.loop, probe, {}, [](const ProbeResult&) { FAIL("called"); });
  for (int i = 0; i < 100 && !scene.heard; ++i) scene.loop.run_once();
  REQUIRE(scene.heard);
  probing.reset();
  scene.close_server();
  scene.loop.run();  // returns when the server, too, has seen the end
}

TEST_CASE("a probe may be destroyed by its own result", "[probes]") {
  Scene scene(answer(200));
  const config::Probe probe = scene.probe;
  std::unique_ptr<Probing> probing;
  int results = 0;
  probing =
      start_probe(scene.loop, probe, {}, [&, held = std::make_shared<int>(1)](const ProbeResult& result) {
        probing.reset();
        results += *held;
        CHECK(result.is_ok);
        scene.close_server();
      });
  scene.loop.run();
  CHECK(results == 1);
}

}  // namespace kestrel::probes
