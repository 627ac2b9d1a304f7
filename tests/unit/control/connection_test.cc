// How requests become answers on a connection, whatever they ask for.
#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

constexpr std::string_view get_info = "GET /v1/info HTTP/1.1\r\nHost: vm\r\n\r\n";

std::string repeat(std::string_view text, int times) {
  std::string all;
  for (int i = 0; i < times; ++i) all += text;
  return all;
}

}  // namespace

TEST_CASE("a connection answers a thousand requests, one after another", "[control]") {
  Bench bench;
  Client& client = bench.connect();
  for (int i = 0; i < 1000; ++i) REQUIRE(bench.call(client, "GET", "/v1/info").status == 200);
  CHECK(bench.server.connection_count() == 1);
}

TEST_CASE("pipelined requests are answered in their order", "[control]") {
  Bench bench;
  bench.guest.add("api");
  Client& client = bench.connect();
  client.stream.write(
      "GET /v1/services HTTP/1.1\r\nHost: vm\r\n\r\n"
      "POST /v1/services/api/signal HTTP/1.1\r\nHost: vm\r\nContent-Length: 14\r\n\r\n{\"signal\":\"9\"}"
      "GET /v1/logs HTTP/1.1\r\nHost: vm\r\n\r\n"
      "GET /v1/nothing HTTP/1.1\r\nHost: vm\r\n\r\n"
      "GET /v1/services/api HTTP/1.1\r\nHost: vm\r\nConnection: close\r\n\r\n");
  bench.run_until([&] { return client.has_ended; });
  REQUIRE(client.responses.size() == 5);
  CHECK(json_of(client.responses[0]).contains("services"));
  CHECK(json_of(client.responses[1]).contains("changed"));
  CHECK(client.responses[2].body.empty());
  CHECK(client.responses[3].status == 404);
  CHECK(json_of(client.responses[4])["name"] == "api");
}

TEST_CASE("a request may arrive byte by byte", "[control]") {
  Bench bench;
  bench.guest.add("api");
  Client& client = bench.connect();
  const std::string request =
      "POST /v1/services/api/signal HTTP/1.1\r\nHost: vm\r\nContent-Length: 14\r\n\r\n{\"signal\":\"9\"}";
  for (const char byte : request) {
    client.stream.write(std::string(1, byte));
    bench.settle();
  }
  CHECK(bench.next(client).status == 200);
  CHECK(bench.guest.commands.size() == 1);
}

TEST_CASE("a request that is never completed is given up", "[control]") {
  for (const char* part : {"G", "POST /v1/power HTTP/1.1\r\nHost: vm\r\nContent-Length: 20\r\n\r\n{"}) {
    ApiOptions options;
    options.limits.request = milliseconds(1);
    Bench bench(std::move(options));
    Client& client = bench.connect();
    client.stream.write(part);
    CHECK(bench.next(client).status == 408);
    bench.run_until([&] { return client.has_ended; });
    CHECK(bench.guest.commands.empty());
  }
}

TEST_CASE("an idle connection is left alone", "[control]") {
  ApiOptions options;
  options.limits.request = Duration::zero();
  Bench bench(std::move(options));
  Client& client = bench.connect();
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
  bench.settle();
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
}

TEST_CASE("HEAD is GET without the body", "[control]") {
  Bench bench;
  bench.guest.print("x", bench.guest.ring.add_source("api", kibibytes(1)).value);
  Client& client = bench.connect();
  const wire::Response head = bench.call(client, "HEAD", "/v1/info");
  const wire::Response get = bench.call(client, "GET", "/v1/info");
  CHECK(head.status == 200);
  CHECK(head.body.empty());
  CHECK(wire::find_header(head.headers, "Content-Length") == std::to_string(get.body.size()));
  CHECK(bench.call(client, "HEAD", "/v1/logs?follow=1").status == 200);
  CHECK(bench.call(client, "HEAD", "/v1/nothing").status == 404);
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
}

TEST_CASE("a method that a resource does not have is 405 with those it has", "[control]") {
  Bench bench;
  bench.guest.add("api");
  const auto allowed = [&](std::string_view method, std::string_view target) {
    const wire::Response response = bench.call(bench.connect(), method, target);
    CHECK(response.status == 405);
    problem_of(response);
    return std::string(wire::find_header(response.headers, "Allow").value_or("nothing"));
  };
  CHECK(allowed("POST", "/v1/info") == "GET, HEAD");
  CHECK(allowed("DELETE", "/v1/services/api") == "GET, HEAD");
  CHECK(allowed("GET", "/v1/services/api/stop") == "POST");
  CHECK(allowed("PUT", "/v1/power") == "POST");
}

TEST_CASE("an unknown path is 404", "[control]") {
  Bench bench;
  bench.guest.add("api");
  for (const char* path : {"/", "/v1", "/v1/", "/v2/info", "/v1/info/", "/v1/services/", "/v1/services/api/",
                           "/v1/services/api/fly", "/v1/services//stop", "*"}) {
    const wire::Response response = bench.get(path);
    CHECK(response.status == 404);
    problem_of(response);
  }
}

TEST_CASE("what is no request ends the connection with 400", "[control]") {
  for (const char* text : {"hello\r\n\r\n", "GET /v1/info\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
                           "GET /v1/info HTTP/1.1\r\nno colon\r\n\r\n",
                           "POST /v1/power HTTP/1.1\r\nContent-Length: many\r\n\r\n"}) {
    Bench bench;
    Client& client = bench.connect();
    client.stream.write(text);
    CHECK(bench.next(client).status == 400);
    bench.run_until([&] { return client.has_ended; });
    CHECK(bench.server.connection_count() == 0);
  }
}

TEST_CASE("a body beyond the limit is 413, a head beyond it 431", "[control]") {
  Bench bench;
  Client& body = bench.connect();
  body.stream.write("POST /v1/power HTTP/1.1\r\nHost: vm\r\nContent-Length: 1000000\r\n\r\n");
  CHECK(bench.next(body).status == 413);
  bench.run_until([&] { return body.has_ended; });
  Client& head = bench.connect();
  head.stream.write("GET /v1/info HTTP/1.1\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n");
  CHECK(bench.next(head).status == 431);
  bench.run_until([&] { return head.has_ended; });
}

TEST_CASE("a client that half-closes still gets its answers", "[control]") {
  Bench bench;
  bench.guest.print("line", bench.guest.ring.add_source("api", kibibytes(1)).value);
  Client& client = bench.connect();
  client.stream.write(concat(get_info, "GET /v1/logs HTTP/1.1\r\nHost: vm\r\n\r\n", get_info));
  client.stream.shutdown();
  bench.run_until([&] { return client.has_ended; });
  CHECK(client.responses.size() == 3);
  CHECK(bench.server.connection_count() == 0);
}

TEST_CASE("a client that does not read its answers is not read either", "[control]") {
  Bench bench;
  bench.guest.add("api").reason = std::string(500, 'x');
  Client& client = bench.connect();
  client.stream.stop_reading();
  const int requests = 12'000;
  client.stream.write(repeat("GET /v1/services HTTP/1.1\r\nHost: vm\r\n\r\n", requests));
  bench.settle();
  // Much more was asked for than anything on the way holds: most of the requests still wait on the client's
  // side.
  CHECK(client.stream.queued_bytes() > 0);
  client.stream.start_reading();
  bench.run_until([&] {
    client.received.clear();
    return client.responses.size() == requests;
  });
}

TEST_CASE("connections beyond the limit are turned away", "[control]") {
  Bench bench(ApiOptions{.limits = {}, .connections = 2, .is_host = {}});
  Client& first = bench.connect();
  bench.connect();
  Client& third = bench.connect();
  CHECK(bench.next(third).status == 503);
  bench.run_until([&] { return third.has_ended; });
  first.stream = {};
  bench.run_until([&] { return bench.server.connection_count() == 1; });
  CHECK(bench.get("/v1/info").status == 200);
}

TEST_CASE("a server that goes away ends its connections and leaves nothing behind", "[control]") {
  loop::Loop loop;
  FakeGuest guest;
  auto [near, far] = Bench::pair();
  {
    ApiServer server(loop, guest);
    server.adopt(std::move(far), Access::open);
    CHECK(::send(near.get(), get_info.data(), 10, 0) == 10);
    loop.run_once();
  }
  char byte = 0;
  CHECK(::recv(near.get(), &byte, 1, 0) <= 0);
}
