// Bodies of any length on a connection, by way of /v1/files.
#include <filesystem>

#include "api_bench.h"
#include "tests/unit/sys/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;
using kestrel::test::TemporaryFolder;

namespace {

std::string target_of(const std::string& path) { return "/v1/files?path=" + path; }

std::string put_head(const std::string& path, std::string_view headers) {
  return concat("PUT ", target_of(path), " HTTP/1.1\r\nHost: vm\r\n", headers, "\r\n");
}

std::size_t entries(const TemporaryFolder& folder) {
  return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder.path()), {}));
}

}  // namespace

TEST_CASE("a body that comes in pieces becomes a file, and the connection goes on", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  Client& client = bench.connect();
  const std::string data(300'000, 'x');
  client.stream.write(put_head(folder.path("f"), "Content-Length: 300000\r\n"));
  for (std::size_t at = 0; at < data.size(); at += 70'000) {
    bench.settle();
    client.stream.write(data.substr(at, 70'000));
  }
  CHECK(bench.next(client).status == 201);
  CHECK(folder.read("f") == data);
  CHECK(bench.call(client, "GET", target_of(folder.path("f"))).body == data);
  CHECK(bench.server.connection_count() == 1);
}

TEST_CASE("a request that follows a body is answered after it", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), "Transfer-Encoding: chunked\r\n") +
                      "3\r\nabc\r\n0\r\n\r\nGET /v1/info HTTP/1.1\r\nHost: vm\r\n\r\n");
  CHECK(bench.next(client).status == 201);
  CHECK(json_of(bench.next(client)).contains("protocol"));
  CHECK(folder.read("f") == "abc");
}

TEST_CASE("an empty body makes an empty file", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), "Content-Length: 0\r\n"));
  CHECK(bench.next(client).status == 201);
  CHECK(std::filesystem::file_size(folder.path("f")) == 0);
}

TEST_CASE("a client that goes away in the middle of a body leaves nothing", "[control]") {
  const TemporaryFolder folder;
  folder.write("f", "old");
  Bench bench;
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), "Content-Length: 10\r\n") + "half");
  bench.run_until([&] { return entries(folder) == 2; });
  client.stream = {};
  bench.run_until([&] { return bench.server.connection_count() == 0; });
  bench.settle();
  CHECK(entries(folder) == 1);
  CHECK(folder.read("f") == "old");
}

TEST_CASE("a refusal is told before the body is complete, and the connection ends", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("none/f"), "Content-Length: 1000000\r\n") + "half");
  const wire::Response refusal = bench.next(client);
  CHECK(refusal.status == 404);
  CHECK_FALSE(refusal.keep_alive);
  // What is still sent is taken, so that nothing breaks under the answer.
  client.stream.write(std::string(500'000, 'x'));
  bench.settle();
  client.stream.shutdown();
  bench.run_until([&] { return bench.server.connection_count() == 0; });
}

TEST_CASE("a refused client that neither sends on nor ends is left after a while", "[control]") {
  ApiOptions options;
  options.limits.request = milliseconds(1);
  Bench bench(std::move(options));
  Client& client = bench.connect();
  client.stream.write(put_head("/nonexistent/f", "Content-Length: 10\r\n"));
  CHECK(bench.next(client).status == 404);
  bench.run_until([&] { return client.has_ended; });
}

TEST_CASE("a body that pauses for too long is given up", "[control]") {
  const TemporaryFolder folder;
  ApiOptions options;
  options.limits.pause = milliseconds(1);
  Bench bench(std::move(options));
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), "Content-Length: 10\r\n") + "half");
  CHECK(bench.next(client).status == 408);
  bench.settle();
  CHECK(entries(folder) == 0);
}

TEST_CASE("who asks whether to send is told so, or why not", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  constexpr std::string_view headers = "Content-Length: 3\r\nExpect: 100-continue\r\n";
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), headers));
  bench.run_until([&] { return !client.received.empty(); });
  CHECK(client.received == "HTTP/1.1 100 Continue\r\n\r\n");
  Client& refused = bench.connect();
  refused.stream.write(put_head(folder.path("none/f"), headers));
  CHECK(bench.next(refused).status == 404);
}

TEST_CASE("a body with broken framing is an error that leaves nothing", "[control]") {
  const TemporaryFolder folder;
  Bench bench;
  Client& client = bench.connect();
  client.stream.write(put_head(folder.path("f"), "Transfer-Encoding: chunked\r\n") + "3\r\nabcdef\r\n");
  CHECK(bench.next(client).status == 400);
  bench.settle();
  CHECK(entries(folder) == 0);
}

TEST_CASE("an answer to HEAD has the length of the file and nothing of it", "[control]") {
  const TemporaryFolder folder;
  folder.write("f", "content");
  Bench bench;
  Client& client = bench.connect();
  const wire::Response head = bench.call(client, "HEAD", target_of(folder.path("f")));
  CHECK(head.status == 200);
  CHECK(wire::find_header(head.headers, "Content-Length") == "7");
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
}

TEST_CASE("a file that becomes shorter while it is sent cuts the connection", "[control]") {
  const TemporaryFolder folder;
  folder.write("f", "");
  std::filesystem::resize_file(folder.path("f"), 64 << 20);
  Bench bench;
  Client& client = bench.connect();
  client.stream.stop_reading();
  client.stream.write(concat("GET ", target_of(folder.path("f")), " HTTP/1.1\r\nHost: vm\r\n\r\n"));
  bench.settle();
  std::filesystem::resize_file(folder.path("f"), 10);
  client.stream.start_reading();
  bench.run_until([&] { return client.has_ended; });
  CHECK(client.responses.empty());
}

TEST_CASE("a reader that stands still is sent no more than its bound", "[control]") {
  const TemporaryFolder folder;
  folder.write("f", "");
  std::filesystem::resize_file(folder.path("f"), 1 << 30);
  Bench bench;
  Client& client = bench.connect();
  client.stream.stop_reading();
  client.stream.write(concat("GET ", target_of(folder.path("f")), " HTTP/1.1\r\nHost: vm\r\n\r\n"));
  bench.settle();
  CHECK(bench.get("/v1/info").status == 200);
  CHECK(client.received.empty());
}
