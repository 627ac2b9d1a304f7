#include "hostd/http/http_server.h"

#include <catch2/catch.hpp>
#include <deque>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// Pieces that the test hands out, and how it went with them.
struct Tap {
  std::deque<std::string> pieces;
  bool is_last = false;
  std::size_t taken = 0;
  bool is_gone = false;
  std::function<void()> wake;
};

class TapBody final : public BodySource {
 public:
  explicit TapBody(Tap& tap) : tap_(tap) {}
  ~TapBody() override { tap_.is_gone = true; }
  std::optional<std::string> read_some() override {
    if (tap_.pieces.empty()) return tap_.is_last ? std::nullopt : std::optional<std::string>("");
    std::string piece = std::move(tap_.pieces.front());
    tap_.pieces.pop_front();
    ++tap_.taken;
    return piece;
  }
  void on_more(std::function<void()> wake) override { tap_.wake = std::move(wake); }

 private:
  Tap& tap_;
};

/// What came of a body, and whether it was told to be all.
struct Basin {
  std::string taken;
  bool is_whole = false;
  bool is_gone = false;
};

/// Answers when all has come, or 507 as soon as there is more than `most`.
class BasinBody final : public BodySink {
 public:
  BasinBody(Basin& basin, Responder responder, std::size_t most)
      : basin_(basin), responder_(std::move(responder)), most_(most) {}
  ~BasinBody() override { basin_.is_gone = true; }
  void take(std::string_view piece) override {
    basin_.taken += piece;
    if (basin_.taken.size() > most_) responder_.answer(wire::problem(507, "no more room"));
  }
  void finish() override {
    basin_.is_whole = true;
    responder_.answer(wire::json_response(201, concat("{\"taken\":", basin_.taken.size(), "}")));
  }

 private:
  Basin& basin_;
  Responder responder_;
  std::size_t most_;
};

bool is_upload(std::string_view, std::string_view target) { return target == "/upload"; }

/// Answers `/now` at once with its body, `/later` when the test says so, and streams the rest from the tap.
struct Bench : LoopBench {
  explicit Bench(
      HttpLimits limits = {}, HttpServer::Guard guard = [](const auto&, int) { return std::nullopt; })
      : server(
            loop, limits,
            [this](const wire::Request& request, const Responder& responder) { handle(request, responder); },
            is_upload) {
    auto socket = sys::listen_unix(folder.file("http.sock"), 0600);
    REQUIRE(socket);
    server.listen(std::move(*socket), std::move(guard));
  }
  void handle(const wire::Request& request, const Responder& responder) {
    targets.push_back(request.target);
    if (request.target == "/later") {
      later.push_back(responder);
    } else if (request.target == "/stream") {
      responder.stream({}, std::make_unique<TapBody>(tap));
    } else if (request.target == "/upload") {
      responder.receive(std::make_unique<BasinBody>(basin, responder, most_of_body));
    } else {
      responder.answer(wire::json_response(200, concat("{\"", request.target, "\":\"", request.body, "\"}")));
    }
  }

  TemporaryFolder folder;
  Tap tap;
  Basin basin;
  std::size_t most_of_body = std::numeric_limits<std::size_t>::max();
  std::vector<std::string> targets;
  std::vector<Responder> later;
  HttpServer server;
};

struct Client {
  explicit Client(Bench& owner) : bench(owner) {
    auto connected = sys::connect_unix(bench.folder.file("http.sock"));
    REQUIRE(connected);
    socket = std::move(*connected);
    inbox.emplace(socket.get());
  }
  void send(std::string_view text) const {
    REQUIRE(::send(socket.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(text.size()));
  }
  void get(std::string_view target) const { send(concat("GET ", target, " HTTP/1.1\r\nHost: h\r\n\r\n")); }
  void expect(std::string_view part) {
    bench.run_until([&] { return inbox->has(part); });
  }
  void expect_end() {
    bench.run_until([&] { return inbox->pull(); });
  }
  Bench& bench;
  sys::UniqueFd socket;
  std::optional<Inbox> inbox;
};

}  // namespace

TEST_CASE("one connection serves one request after another", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.get("/one");
  client.expect("{\"/one\":\"\"}");
  client.send("POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
  client.expect("{\"/two\":\"body\"}");
  CHECK(bench.server.connection_count() == 1);
}

TEST_CASE("requests that come at once are answered one after another", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send(
      "GET /one HTTP/1.1\r\nHost: h\r\n\r\nGET /two HTTP/1.1\r\nHost: h\r\n\r\nGET /three HTTP/1.1\r\nHo");
  client.expect("{\"/two\":\"\"}");
  client.send("st: h\r\n\r\n");
  client.expect("{\"/three\":\"\"}");
  CHECK(bench.targets == std::vector<std::string>{"/one", "/two", "/three"});
}

TEST_CASE("what comes ahead of an answer is looked at behind it", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.get("/later");
  bench.run_until([&] { return bench.later.size() == 1; });
  client.get("/now");
  bench.settle();
  CHECK(bench.targets.size() == 1);
  bench.later.front().answer(wire::json_response(200, "{\"late\":1}"));
  client.expect("{\"/now\":\"\"}");
  CHECK(client.inbox->text().find("late") < client.inbox->text().find("/now"));
}

TEST_CASE("a body in pieces may be longer than others, and the next request comes behind it", "[hostd]") {
  Bench bench({.body = Bytes{16}});
  Client client(bench);
  const std::string piece(30'000, 'x');
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\n" + piece);
  bench.run_until([&] { return bench.basin.taken.size() == piece.size(); });
  CHECK_FALSE(bench.basin.is_whole);
  client.send(piece);
  client.send(piece + "GET /now HTTP/1.1\r\nHost: h\r\n\r\n");
  client.expect("{\"taken\":90000}");
  client.expect("{\"/now\":\"\"}");
  CHECK(bench.basin.taken == piece + piece + piece);
}

TEST_CASE("a body in pieces may come with its head, or be nothing", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
  client.expect("{\"taken\":4}");
  bench.basin = {};
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n");
  client.expect("{\"taken\":0}");
}

TEST_CASE("a body in chunks of unknown number is taken in pieces, too", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  bench.run_until([&] { return bench.basin.taken == "abc"; });
  client.send("2\r\nde\r\n0\r\n\r\n");
  client.expect("{\"taken\":5}");
}

TEST_CASE("a client that waits to hear that its body is wanted is told so", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  client.expect("100 Continue");
  client.send("body");
  client.expect("{\"taken\":4}");
}

TEST_CASE("a body that is refused before its end is not read to its end", "[hostd]") {
  Bench bench;
  bench.most_of_body = 10;
  Client client(bench);
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 90000\r\n\r\nmore than ten bytes");
  client.expect("507");
  client.expect_end();
  CHECK(bench.basin.is_gone);
}

TEST_CASE("who may not send a body is told before it is taken", "[hostd]") {
  Bench bench({}, [](const auto&, int) { return wire::problem(403, "not you"); });
  Client client(bench);
  client.send("POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n");
  client.expect("403");
  client.expect_end();
  CHECK(bench.basin.taken.empty());
}

TEST_CASE("a body whose client goes away, or stalls, is let go of", "[hostd]") {
  Bench bench({.request = milliseconds(20)});
  const std::string head = "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc";
  {
    const Client client(bench);
    client.send(head);
    bench.run_until([&] { return bench.basin.taken == "abc"; });
  }
  bench.run_until([&] { return bench.basin.is_gone; });
  bench.basin = {};
  Client stalled(bench);
  stalled.send(head);
  stalled.expect("408");
  bench.run_until([&] { return bench.basin.is_gone; });
  CHECK_FALSE(bench.basin.is_whole);
}

TEST_CASE("a client that sends without end ahead of its answer is sent away", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.get("/later");
  bench.run_until([&] { return bench.later.size() == 1; });
  const std::string flood(8192, 'x');
  bench.run_until([&] {
    static_cast<void>(::send(client.socket.get(), flood.data(), flood.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
    return bench.server.connection_count() == 0;
  });
  bench.run_until([&] { return bench.later.front().is_client_gone(); });
}

TEST_CASE("a request that is not complete in time is refused", "[hostd]") {
  Bench bench({.request = milliseconds(20)});
  Client client(bench);
  client.send("GET /slow HTTP/1.1\r\nHos");
  client.expect("HTTP/1.1 408");
  client.expect_end();
  CHECK(bench.targets.empty());
}

TEST_CASE("who asks nothing is sent away without a word", "[hostd]") {
  Bench bench({.idle = milliseconds(20)});
  Client client(bench);
  client.expect_end();
  CHECK(client.inbox->text().empty());
  CHECK(bench.server.connection_count() == 0);
}

TEST_CASE("an answer may take longer than a request may", "[hostd]") {
  Bench bench({.request = milliseconds(10), .idle = milliseconds(10)});
  Client client(bench);
  client.get("/later");
  bool is_over = false;
  loop::Timer timer(bench.loop, [&] { is_over = true; });
  timer.arm(milliseconds(40));
  bench.run_until([&] { return is_over && bench.later.size() == 1; });
  bench.later.front().answer(wire::json_response(200, "{}"));
  client.expect("HTTP/1.1 200");
}

TEST_CASE("what is no request is refused, and so is one that is too big", "[hostd]") {
  Bench bench({.body = kibibytes(1)});
  Client nonsense(bench);
  nonsense.send("\x16\x03\x01 hello\r\n\r\n");
  nonsense.expect("HTTP/1.1 400");
  nonsense.expect_end();
  Client big(bench);
  big.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1025\r\n\r\n");
  big.expect("HTTP/1.1 400");
  big.expect_end();
  CHECK(bench.targets.empty());
}

TEST_CASE("more connections than allowed are told to come again, and do once there is room", "[hostd]") {
  Bench bench({.connections = 1});
  {
    Client first(bench);
    first.get("/now");
    first.expect("200");
    Client second(bench);
    second.expect("HTTP/1.1 503");
    second.expect_end();
  }
  bench.run_until([&] { return bench.server.connection_count() == 0; });
  Client third(bench);
  third.get("/now");
  third.expect("200");
}

TEST_CASE("who is not admitted is refused before his request is handled", "[hostd]") {
  Bench bench({}, [](const wire::Request& request, int) -> std::optional<wire::Response> {
    if (wire::find_header(request.headers, "Password")) return std::nullopt;
    return wire::problem(401, "who are you?");
  });
  Client client(bench);
  client.get("/now");
  client.expect("who are you?");
  CHECK(bench.targets.empty());
  client.send("GET /now HTTP/1.1\r\nHost: h\r\nPassword: x\r\n\r\n");
  client.expect("{\"/now\":\"\"}");
}

TEST_CASE("a client that leaves before its answer costs nothing more", "[hostd]") {
  Bench bench;
  {
    Client client(bench);
    client.get("/later");
    bench.run_until([&] { return bench.later.size() == 1; });
  }
  bench.settle();
  bench.later.front().answer(wire::json_response(200, "{}"));
  bench.run_until([&] { return bench.server.connection_count() == 0; });
  bench.later.front().answer(wire::json_response(200, "{}"));
  bench.run_until([&] { return bench.later.front().is_client_gone(); });
  bench.later.front().answer(wire::json_response(200, "{}"));
}

TEST_CASE("a request is answered once, whoever tries again", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.get("/later");
  bench.run_until([&] { return bench.later.size() == 1; });
  bench.later.front().answer(wire::json_response(200, "{\"first\":1}"));
  bench.later.front().answer(wire::json_response(200, "{\"second\":1}"));
  client.expect("first");
  client.get("/now");
  client.expect("/now");
  CHECK_FALSE(client.inbox->has("second"));
}

TEST_CASE("who closes his side still gets his answer, and then the end", "[hostd]") {
  Bench bench;
  Client client(bench);
  client.get("/later");
  ::shutdown(client.socket.get(), SHUT_WR);
  bench.run_until([&] { return bench.later.size() == 1; });
  bench.settle();
  bench.later.front().answer(wire::json_response(200, "{\"late\":1}"));
  client.expect("late");
  client.expect_end();
}

TEST_CASE("a stream goes on whenever there is more, until it is over", "[hostd]") {
  Bench bench;
  Client client(bench);
  bench.tap.pieces = {"one"};
  client.get("/stream");
  client.expect("3\r\none\r\n");
  bench.tap.pieces = {"three"};
  bench.tap.wake();
  client.expect("5\r\nthree\r\n");
  bench.tap.is_last = true;
  bench.tap.wake();
  client.expect("0\r\n\r\n");
  client.get("/now");
  client.expect("{\"/now\":\"\"}");
  CHECK(bench.tap.is_gone);
}

TEST_CASE("a stream is not made faster than it is read", "[hostd]") {
  Bench bench;
  Client client(bench);
  constexpr std::size_t pieces = 256;
  bench.tap.pieces.assign(pieces, std::string(64 * 1024, 'x'));
  bench.tap.is_last = true;
  client.get("/stream");
  for (int round = 0; round < 50; ++round) {
    loop::Timer tick(bench.loop, [] {});
    tick.arm(milliseconds(1));
    bench.loop.run_once();
  }
  // A quarter of a mebibyte waits here, and what sockets hold in the kernel.
  CHECK(bench.tap.taken > 0);
  CHECK(bench.tap.taken < pieces / 4);
  client.expect("0\r\n\r\n");
  CHECK(bench.tap.taken == pieces);
}

TEST_CASE("a stream whose reader leaves is let go", "[hostd]") {
  Bench bench;
  {
    Client client(bench);
    bench.tap.pieces = {"one"};
    client.get("/stream");
    client.expect("one");
  }
  bench.run_until([&] { return bench.tap.is_gone; });
  CHECK(bench.server.connection_count() == 0);
}
