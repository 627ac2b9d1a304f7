#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

struct HostBench : Bench {
  HostBench() : Bench(ApiOptions{.limits = {}, .connections = 16, .is_host = [](int) { return true; }}) {}
};

constexpr std::string_view right = "Authorization: Bearer s3cret\r\n";

}  // namespace

TEST_CASE("a host that presents the token once may call from then on", "[control]") {
  HostBench bench;
  bench.server.set_token("s3cret");
  Client& client = bench.connect(Access::host);
  CHECK(bench.call(client, "GET", "/v1/session", {}, right).status == 204);
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
  CHECK(bench.call(client, "GET", "/v1/info", {}, "Authorization: Bearer wrong\r\n").status == 200);
}

TEST_CASE("the token may come with any request", "[control]") {
  HostBench bench;
  bench.server.set_token("s3cret");
  Client& client = bench.connect(Access::host);
  CHECK(bench.call(client, "GET", "/v1/info", {}, right).status == 200);
  CHECK(bench.call(client, "GET", "/v1/info").status == 200);
}

TEST_CASE("without the right token nothing is answered, and nothing done", "[control]") {
  HostBench bench;
  bench.server.set_token("s3cret");
  for (const char* header :
       {"", "Authorization: Bearer s3cre\r\n", "Authorization: Bearer s3crets\r\n",
        "Authorization: Bearer \r\n", "Authorization: Basic s3cret\r\n", "Authorization: s3cret\r\n",
        "Authorization: Bearer S3CRET\r\n", "Authorization: Bearer s3crets3cret\r\n"}) {
    Client& client = bench.connect(Access::host);
    const wire::Response response =
        bench.call(client, "POST", "/v1/power", R"({"action":"shutdown"})", header);
    CHECK(response.status == 401);
    CHECK(wire::find_header(response.headers, "WWW-Authenticate") == "Bearer");
    bench.run_until([&] { return client.has_ended; });
  }
  CHECK(bench.guest.commands.empty());
  CHECK(bench.call(bench.connect(Access::host), "CONNECT", "127.0.0.1:1").status == 401);
  CHECK(bench.call(bench.connect(Access::host), "GET", "/v1/nothing").status == 401);
}

TEST_CASE("requests behind a refused one are not carried out", "[control]") {
  HostBench bench;
  bench.server.set_token("s3cret");
  Client& client = bench.connect(Access::host);
  client.stream.write(concat(
      "GET /v1/info HTTP/1.1\r\nHost: vm\r\n\r\nGET /v1/session HTTP/1.1\r\nHost: vm\r\n", right, "\r\n"));
  bench.run_until([&] { return client.has_ended; });
  CHECK(client.responses.size() == 1);
}

TEST_CASE("before there is a token the host may not call, with an empty one it needs none", "[control]") {
  HostBench bench;
  CHECK(bench.call(bench.connect(Access::host), "GET", "/v1/info").status == 401);
  CHECK(bench.call(bench.connect(Access::host), "GET", "/v1/info", {}, "Authorization: Bearer \r\n").status ==
        401);
  bench.server.set_token("");
  CHECK(bench.call(bench.connect(Access::host), "GET", "/v1/session").status == 204);
}

TEST_CASE("whoever is not the host is not even answered", "[control]") {
  Bench bench;
  bench.server.set_token("");
  Client& client = bench.connect(Access::host);
  bench.run_until([&] { return client.has_ended; });
  CHECK(client.received.empty());
}

TEST_CASE("on a Unix socket its permissions are enough", "[control]") {
  HostBench bench;
  bench.server.set_token("s3cret");
  CHECK(bench.get("/v1/session").status == 204);
}

TEST_CASE("a host that says nothing cannot keep a connection", "[control]") {
  ApiOptions options{.limits = {}, .connections = 16, .is_host = [](int) { return true; }};
  options.limits.request = milliseconds(1);
  Bench bench(std::move(options));
  bench.server.set_token("s3cret");
  Client& client = bench.connect(Access::host);
  bench.run_until([&] { return client.has_ended; });
  CHECK(bench.server.connection_count() == 0);
}
