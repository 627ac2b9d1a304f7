// Execs through the API, with programs that the test itself plays: it holds their ends of the pipes.
#include <fcntl.h>
#include <signal.h>

#include <map>

#include "kestrel/control/exec_book.h"
#include "kestrel/wire/stream_frames.h"
#include "tests/unit/control/api_bench.h"

namespace kestrel::control {
namespace {

using test::Client;
using test::json_of;
using wire::FrameType;

/// A program: what it was started with, and what was done to it.
struct Program {
  wire::ExecRequest request;
  sys::UniqueFd input;
  sys::UniqueFd output;
  sys::UniqueFd error;
  ExecCallbacks callbacks;
  std::vector<int> signals;
  int kills = 0;
  bool is_dropped = false;

  void print(std::string_view text) const { CHECK(try_print(text) == static_cast<ssize_t>(text.size())); }
  [[nodiscard]] ssize_t try_print(std::string_view text) const {
    return ::write(output.get(), text.data(), text.size());
  }
  [[nodiscard]] std::string read() const {
    std::string text(1 << 20, '\0');
    const auto count = ::read(input.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    return text;
  }
  /// Ends as processes do: its descriptors are closed first.
  void end(int code) {
    input.reset();
    output.reset();
    error.reset();
    callbacks.on_end({{.code = code}, false});
  }
};

class PlayedLauncher final : public ExecLauncher {
 public:
  std::vector<std::shared_ptr<Program>> programs;
  std::optional<wire::ExecFailure> failure;  ///< of the next ones

  std::unique_ptr<LaunchedExec> launch(const wire::ExecRequest& request, const std::string&,
                                       const ChildStdio& stdio, ExecCallbacks callbacks) override {
    if (failure) {
      callbacks.on_failed(*failure);
      return nullptr;
    }
    auto program = std::make_shared<Program>();
    program->request = request;
    program->input = copy_of(stdio.input);
    program->output = copy_of(stdio.output);
    program->error = copy_of(stdio.error);
    program->callbacks = std::move(callbacks);
    programs.push_back(program);
    program->callbacks.on_started();
    return std::make_unique<Played>(program);
  }

 private:
  struct Played final : LaunchedExec {
    explicit Played(std::shared_ptr<Program> played) : program(std::move(played)) {}
    ~Played() override { program->is_dropped = true; }
    void signal(int signal) override { program->signals.push_back(signal); }
    void kill() override { ++program->kills; }
    std::shared_ptr<Program> program;
  };

  static sys::UniqueFd copy_of(const sys::UniqueFd& fd) {
    if (!fd.is_open()) return {};
    sys::UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 3));
    ::fcntl(copy.get(), F_SETFL, O_NONBLOCK);
    return copy;
  }
};

class ExecGuest final : public test::FakeGuest {
 public:
  ExecBook* book = nullptr;
  ExecBook* execs() override { return book; }
};

/// A client whose connection became a stream: what came, by stream, and in which order control frames did.
struct StreamClient {
  loop::Stream stream;
  std::string head;
  wire::FrameReader reader;
  std::map<FrameType, std::string> data;
  std::vector<std::string> control;  ///< `type/flags payload`
  bool has_ended = false;

  void take(std::string_view bytes) {
    if (!head.ends_with("\r\n\r\n")) {
      const auto before = head.size();
      head.append(bytes);
      const auto end = head.find("\r\n\r\n");
      if (end == std::string::npos) return;
      bytes.remove_prefix(end + 4 - before);
      head.resize(end + 4);
    }
    for (auto frame = reader.next(bytes); frame && *frame; frame = reader.next(bytes)) {
      if (wire::is_data((*frame)->type)) {
        data[(*frame)->type] += (*frame)->payload;
      } else {
        control.push_back(
            concat(static_cast<int>((*frame)->type), '/', int{(*frame)->flags}, ' ', (*frame)->payload));
      }
    }
  }
  void send(FrameType type, std::string_view payload = {}, std::uint8_t flags = 0) {
    stream.write(wire::encode_frame(type, payload, flags));
  }
  [[nodiscard]] bool has(std::string_view frame) const {
    return std::find(control.begin(), control.end(), frame) != control.end();
  }
};

constexpr auto exited_with_3 = R"(7/0 {"code":3,"signal":0,"oom":false,"timeout":false})";
constexpr auto exit_of_3 = R"({"code":3,"signal":0,"oom":false,"timeout":false})";
constexpr auto full_window = R"(11/0 {"bytes":262144})";

class ExecBench {
 public:
  ExecBench() : book(loop, launcher), server(loop, guest) {
    guest.book = &book;
    guard_.arm(seconds(60));
  }

  loop::Loop loop;
  PlayedLauncher launcher;
  ExecBook book;
  ExecGuest guest;
  ApiServer server;

  StreamClient& open(std::string_view method, std::string_view target, std::string_view body,
                     std::string_view behind = {}) {
    auto [near, far] = test::Bench::pair();
    server.adopt(std::move(far), Access::open);
    auto& client = *clients_.emplace_back(std::make_unique<StreamClient>());
    client.stream = loop::Stream(loop, std::move(near),
                                 {.on_data = [&client](std::string_view bytes) { client.take(bytes); },
                                  .on_end = [&client](const Error*) { client.has_ended = true; },
                                  .on_drained = {}});
    client.stream.start_reading();
    client.stream.write(concat(method, ' ', target, " HTTP/1.1\r\nHost: vm\r\nUpgrade: kestrel-stream/1\r\n",
                               "Content-Length: ", body.size(), "\r\n\r\n", body, behind));
    return client;
  }
  StreamClient& exec(std::string_view body = R"({"command":"x"})", std::string_view behind = {}) {
    const auto before = launcher.programs.size();
    auto& client = open("POST", "/v1/exec", body, behind);
    until([&] { return launcher.programs.size() > before && client.head.ends_with("\r\n\r\n"); });
    return client;
  }
  Program& program(std::size_t index = 0) { return *launcher.programs.at(index); }

  wire::Response ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    auto [near, far] = test::Bench::pair();
    server.adopt(std::move(far), Access::open);
    Client client;
    client.stream = loop::Stream(loop, std::move(near),
                                 {.on_data = [&client](std::string_view bytes) { client.take(bytes); },
                                  .on_end = {},
                                  .on_drained = {}});
    client.stream.start_reading();
    client.stream.write(concat(method, ' ', target, " HTTP/1.1\r\nHost: vm\r\nContent-Length: ", body.size(),
                               "\r\n\r\n", body));
    until([&] { return !client.responses.empty(); });
    return client.responses.front();
  }

  template <typename Done>
  void until(Done is_done) {
    while (!is_done() && !has_hung_) loop.run_once();
    REQUIRE_FALSE(has_hung_);
  }
  void settle() {
    for (int round = 0; round < 16; ++round) {
      bool has_run = false;
      loop.post([&] { has_run = true; });
      until([&] { return has_run; });
    }
  }

 private:
  bool has_hung_ = false;
  loop::Timer guard_{loop, [this] { has_hung_ = true; }};
  std::vector<std::unique_ptr<StreamClient>> clients_;
};

}  // namespace

TEST_CASE("an exec's output, ends and exit are frames, in this order", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  CHECK(client.head.starts_with("HTTP/1.1 101 "));
  bench.program().print("to out");
  ::write(bench.program().error.get(), "to err", 6);
  bench.until([&] { return client.data.size() == 2; });
  bench.program().end(3);
  bench.until([&] { return client.has_ended; });
  CHECK(client.data[FrameType::standard_output] == "to out");
  CHECK(client.data[FrameType::standard_error] == "to err");
  CHECK(client.control == std::vector<std::string>{full_window, "4/2 ", "4/3 ", exited_with_3});
  client.stream = {};
  bench.until([&] { return bench.book.list().empty(); });
}

TEST_CASE("a program that cannot start is a problem with its stage and errno, and no stream",
          "[control][exec]") {
  ExecBench bench;
  bench.launcher.failure = wire::ExecFailure{"exec", "cannot execute /x: No such file or directory", ENOENT};
  auto& client = bench.open("POST", "/v1/exec", R"({"command":"/x"})");
  bench.until([&] { return client.head.ends_with("\r\n\r\n"); });
  CHECK(client.head.starts_with("HTTP/1.1 422 "));
  // The connection is as good as before.
  client.head.clear();
  bench.launcher.failure.reset();
  client.stream.write("GET /v1/exec HTTP/1.1\r\nHost: vm\r\n\r\n");
  bench.until([&] { return client.head.ends_with("\r\n\r\n"); });
  CHECK(client.head.starts_with("HTTP/1.1 200 "));
  CHECK(bench.book.list().empty());
}

TEST_CASE("without an upgrade an exec is refused unless it is detached", "[control][exec]") {
  ExecBench bench;
  const auto refused = bench.ask("POST", "/v1/exec", R"({"command":"x"})");
  CHECK(refused.status == 426);
  CHECK(wire::find_header(refused.headers, "Upgrade") == "kestrel-stream/1");
  CHECK(bench.launcher.programs.empty());
  const auto detached = bench.ask("POST", "/v1/exec", R"({"command":"x","detach":true})");
  CHECK(detached.status == 201);
  CHECK(json_of(detached).at("exec_id") == bench.book.list().front().id);
  CHECK_FALSE(bench.program().input.is_open());
}

TEST_CASE("a client that goes takes its program with it", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  client.stream = {};
  bench.until([&] { return bench.program().is_dropped; });
  CHECK(bench.book.list().empty());
}

TEST_CASE("bytes that are no frames end the exec", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  client.stream.write("GET / HTTP/1.1\r\n\r\n");
  bench.until([&] { return bench.program().is_dropped && client.has_ended; });
}

TEST_CASE("standard input arrives, also what came right behind the request", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec(R"({"command":"cat"})", wire::encode_frame(FrameType::standard_input, "early "));
  client.send(FrameType::standard_input, "late");
  std::string input;
  bench.until([&] { return (input += bench.program().read()).ends_with("late"); });
  CHECK(input == "early late");
}

TEST_CASE("the end of standard input does not truncate output", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  client.send(FrameType::standard_input, "x");
  client.send(FrameType::end_of_file, {}, 1);
  bench.settle();
  CHECK(bench.program().read() == "x");
  CHECK(::fcntl(bench.program().input.get(), F_GETFD) >= 0);
  char byte = 0;
  CHECK(::read(bench.program().input.get(), &byte, 1) == 0);  // its end, and not "nothing yet"
  bench.program().print("after the end");
  bench.program().end(3);
  bench.until([&] { return client.has(exited_with_3); });
  CHECK(client.data[FrameType::standard_output] == "after the end");
}

TEST_CASE("signals arrive while standard input is stuck", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  const std::string piece(wire::longest_payload, 'i');
  for (std::size_t sent = 0; sent < wire::stdin_window; sent += piece.size())
    client.send(FrameType::standard_input, piece);
  client.send(FrameType::signal, R"({"signal":"TERM"})");
  bench.until([&] { return !bench.program().signals.empty(); });
  CHECK(bench.program().signals == std::vector<int>{SIGTERM});
}

TEST_CASE("standard input that is read is granted anew, and none beyond that is taken", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  const std::string piece(wire::longest_payload, 'i');
  for (std::size_t sent = 0; sent < wire::stdin_window; sent += piece.size())
    client.send(FrameType::standard_input, piece);
  std::size_t read = 0;
  bench.until([&] { return (read += bench.program().read().size()) == wire::stdin_window; });
  const auto granted = [&] {
    std::size_t bytes = 0;
    for (const std::string& frame : client.control) {
      if (frame.starts_with("11/0 ")) bytes += wire::parse_window(frame.substr(5)).value_or(0);
    }
    return bytes;
  };
  // All of it but what is not worth a frame yet.
  bench.until([&] { return granted() > 2 * wire::stdin_window - wire::stdin_window / 4; });
  CHECK_FALSE(bench.program().is_dropped);
  // A pipe takes some of it before the window counts.
  for (std::size_t sent = 0; sent < 2 * wire::stdin_window; sent += piece.size())
    client.send(FrameType::standard_input, piece);
  bench.until([&] { return client.has_ended; });
  CHECK(client.control.back() == R"(8/0 {"message":"more standard input came than was granted"})");
  CHECK(bench.program().is_dropped);
}

TEST_CASE("a program that reads no more says so once, and its client may go on", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  bench.program().input.reset();
  client.send(FrameType::standard_input, "to nobody");
  bench.until([&] { return client.has("4/1 "); });
  client.send(FrameType::standard_input, "still to nobody");
  bench.program().print("fine");
  bench.program().end(3);
  bench.until([&] { return client.has(exited_with_3); });
  CHECK(client.data[FrameType::standard_output] == "fine");
  CHECK(std::count(client.control.begin(), client.control.end(), "4/1 ") == 1);
}

TEST_CASE("a client that does not read holds up its own program and nobody else's", "[control][exec]") {
  ExecBench bench;
  auto& slow = bench.exec();
  auto& quick = bench.exec();
  slow.stream.stop_reading();
  const std::string piece(16 * 1024, 'o');
  std::size_t taken = 0;
  for (int idle = 0; idle < 20; ++idle) {
    while (bench.program(0).try_print(piece) > 0) {
      taken += piece.size();
      idle = 0;
    }
    bench.settle();
  }
  // A pipe, a batch and a socket.
  CHECK(taken < 2'000'000);
  bench.program(1).print("hello");
  bench.until([&] { return quick.data[FrameType::standard_output] == "hello"; });
  slow.stream.start_reading();
  bench.until([&] { return slow.data[FrameType::standard_output].size() == taken; });
  bench.program(0).end(3);
  bench.until([&] { return slow.has(exited_with_3); });
}

TEST_CASE("what is in the pipe at the end is sent though a stranger holds it open", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  const std::string rest(100'000, 'r');
  bench.program().print(rest);
  bench.program().callbacks.on_end({{.code = 3}, false});  // all its processes are gone, the pipe is not
  bench.until([&] { return client.has(exited_with_3); });
  CHECK(client.data[FrameType::standard_output] == rest);
}

TEST_CASE("processes that outlive the main one may still print, and the exit is told when they are gone",
          "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  bench.program().callbacks.on_end({{.code = 3}, true});
  bench.settle();
  CHECK_FALSE(client.has(exited_with_3));
  bench.program().print("a last word");
  bench.program().callbacks.on_gone();
  bench.until([&] { return client.has(exited_with_3); });
  CHECK(client.data[FrameType::standard_output] == "a last word");
}

// --- detached ---------------------------------------------------------------------------------------------

TEST_CASE("a detached exec outlives its client, and another goes on where that was", "[control][exec]") {
  ExecBench bench;
  auto& first = bench.exec(R"({"command":"x","detach":true})");
  const std::string id = bench.book.list().front().id;
  bench.program().print("one ");
  bench.until([&] { return first.data[FrameType::standard_output] == "one "; });
  first.stream = {};
  bench.until([&] { return !bench.book.list().front().is_attached; });
  bench.program().print("two ");
  bench.until([&] { return bench.book.list().front().end_offset == 8; });
  CHECK_FALSE(bench.program().is_dropped);
  auto& second = bench.open("GET", concat("/v1/exec/", id, "?offset=4"), {});
  bench.until([&] { return second.data[FrameType::standard_output] == "two "; });
  bench.program().print("three");
  bench.program().end(3);
  bench.until([&] { return second.has_ended; });
  CHECK(second.data[FrameType::standard_output] == "two three");
  CHECK(second.control == std::vector<std::string>{full_window, "4/2 ", "4/3 ", exited_with_3});
  // Somebody has heard how it ended.
  second.stream = {};
  bench.until([&] { return bench.book.list().empty(); });
}

TEST_CASE("a client that goes before the end was sent to it leaves that to the next", "[control][exec]") {
  // Somewhere among these the last piece fills the socket, and the end waits behind it.
  for (std::size_t pieces = 1; pieces <= 8; ++pieces) {
    ExecBench bench;
    auto [near, far] = test::Bench::pair();
    bench.server.adopt(std::move(far), Access::open);
    constexpr std::string_view body = R"({"command":"x","detach":true})";
    const auto request = concat(
        "POST /v1/exec HTTP/1.1\r\nHost: vm\r\nUpgrade: kestrel-stream/1\r\nContent-Length: ", body.size(),
        "\r\n\r\n", body);
    CHECK(::write(near.get(), request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    bench.until([&] { return !bench.book.list().empty() && bench.book.list().front().is_attached; });
    for (std::size_t i = 0; i < pieces; ++i) {
      bench.program().print(std::string(64 * 1024, 'o'));
      bench.settle();
    }
    bench.program().end(3);
    bench.settle();
    std::string sent(1 << 20, '\0');
    const ssize_t count = ::read(near.get(), sent.data(), sent.size());
    sent.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    near.reset();
    if (sent.ends_with(exit_of_3)) continue;
    bench.until([&] { return bench.book.list().empty() || !bench.book.list().front().is_attached; });
    REQUIRE(bench.book.list().size() == 1);
    const auto exec = bench.book.list().front();
    auto& second = bench.open("GET", concat("/v1/exec/", exec.id, "?offset=", exec.end_offset), {});
    bench.until([&] { return second.has(exited_with_3); });
    return;
  }
  FAIL("no socket was filled");
}

TEST_CASE("what a detached exec printed beyond its ring is told as a gap", "[control][exec]") {
  ExecBench bench;
  bench.ask("POST", "/v1/exec", R"({"command":"x","detach":true})");
  const std::string id = bench.book.list().front().id;
  const std::string piece(32 * 1024, 'o');
  std::size_t printed = 0;
  bench.until([&] {
    if (bench.program().try_print(piece) > 0) printed += piece.size();
    return printed == 3 << 20;
  });
  bench.until([&] { return bench.book.list().front().end_offset == printed; });
  auto& client = bench.open("GET", concat("/v1/exec/", id), {});
  bench.until([&] { return client.data[FrameType::standard_output].size() == 1 << 20; });
  CHECK(client.has(R"(10/0 {"first":0,"last":2097151})"));
}

TEST_CASE("with a client that does not read a detached exec loses nothing but waits", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec(R"({"command":"x","detach":true})");
  client.stream.stop_reading();
  const std::string piece(16 * 1024, 'o');
  std::size_t taken = 0;
  for (int idle = 0; idle < 20; ++idle) {
    while (bench.program().try_print(piece) > 0) {
      taken += piece.size();
      idle = 0;
    }
    bench.settle();
  }
  CHECK(taken < 4'000'000);
  client.stream.start_reading();
  bench.until([&] { return client.data[FrameType::standard_output].size() == taken; });
  CHECK(client.control == std::vector<std::string>{full_window});
}

TEST_CASE("another client takes a detached exec over, and the one before is told", "[control][exec]") {
  ExecBench bench;
  auto& first = bench.exec(R"({"command":"x","detach":true})");
  auto& second = bench.open("GET", concat("/v1/exec/", bench.book.list().front().id), {});
  bench.until([&] { return first.has_ended; });
  CHECK(first.control.back() == R"(8/0 {"message":"another client has attached"})");
  bench.program().print("hello");
  bench.until([&] { return second.data[FrameType::standard_output] == "hello"; });
  CHECK(first.data[FrameType::standard_output].empty());
}

TEST_CASE("only a detached exec can be attached to, and only where it has output", "[control][exec]") {
  ExecBench bench;
  bench.exec();
  const auto upgrade = [&](std::string_view target) {
    auto& client = bench.open("GET", target, {});
    bench.until([&] { return client.head.ends_with("\r\n\r\n"); });
    return client.head.substr(9, 3);
  };
  CHECK(upgrade(concat("/v1/exec/", bench.book.list().front().id)) == "409");
  CHECK(upgrade("/v1/exec/nonsense") == "404");
  bench.ask("POST", "/v1/exec", R"({"command":"x","detach":true})");
  const std::string id = bench.book.list().back().id;
  CHECK(upgrade(concat("/v1/exec/", id, "?offset=1")) == "400");
  CHECK(upgrade(concat("/v1/exec/", id, "?offset=x")) == "400");
  CHECK(upgrade(concat("/v1/exec/", id, "?offset=0")) == "101");
}

TEST_CASE("an exec can be looked at and removed", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec(R"({"command":"sleep","args":["9"]})");
  const auto list = json_of(bench.ask("GET", "/v1/exec")).at("execs");
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("command") == "sleep");
  CHECK(list[0].at("state") == "running");
  CHECK(list[0].at("attached") == true);
  const std::string target = concat("/v1/exec/", list[0].at("exec_id").get<std::string>());
  CHECK(json_of(bench.ask("GET", target)) == list[0]);
  CHECK(bench.ask("DELETE", target).status == 204);
  bench.until([&] { return bench.program().is_dropped && client.has_ended; });
  CHECK(client.control.back() == R"(8/0 {"message":"it was killed on request"})");
  CHECK(bench.ask("DELETE", target).status == 404);
}

TEST_CASE("detached execs are bounded, and ended ones make room", "[control][exec]") {
  ExecBench bench;
  const auto start = [&] { return bench.ask("POST", "/v1/exec", R"({"command":"x","detach":true})").status; };
  for (std::size_t i = 0; i < ExecBook::most_detached; ++i) REQUIRE(start() == 201);
  CHECK(start() == 503);
  bench.program(5).end(0);
  bench.settle();
  CHECK(start() == 201);
  CHECK(bench.book.list().size() == ExecBook::most_detached);
}

TEST_CASE("the end of the guest ends all execs", "[control][exec]") {
  ExecBench bench;
  auto& client = bench.exec();
  bench.ask("POST", "/v1/exec", R"({"command":"x","detach":true})");
  bench.book.end_all();
  CHECK(bench.program(0).is_dropped);
  CHECK(bench.program(1).is_dropped);
  bench.until([&] { return client.has(R"(8/0 {"message":"the guest ends"})"); });
}

}  // namespace kestrel::control
