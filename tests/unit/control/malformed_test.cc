// Whatever a stranger sends, the server answers with a refusal or closes, and goes on serving others.
#include <random>

#include "api_bench.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

const std::vector<std::string> seeds{
    "GET /v1/info HTTP/1.1\r\nHost: vm\r\n\r\n",
    "GET /v1/services/api?x=%20 HTTP/1.1\r\nHost: vm\r\nAccept: */*\r\n\r\n",
    "POST /v1/services/api/signal HTTP/1.1\r\nHost: vm\r\nContent-Length: 17\r\n\r\n{\"signal\":\"TERM\"}",
    "POST /v1/power HTTP/1.1\r\nTransfer-Encoding: "
    "chunked\r\n\r\n15\r\n{\"action\":\"shutdown\"}\r\n0\r\n\r\n",
    "CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\nbytes",
    "GET /v1/logs?lines=5&since=1h&service=api HTTP/1.1\r\nHost: vm\r\nConnection: close\r\n\r\n",
    "GET /v1/events?after=0 HTTP/1.1\r\nHost: vm\r\nAuthorization: Bearer x\r\n\r\n",
};

/// A few bytes changed, removed, doubled, or taken from another seed.
std::string mutate(std::mt19937& random, std::string text) {
  for (auto edits = 1 + random() % 4; edits > 0 && !text.empty(); --edits) {
    const std::size_t where = random() % text.size();
    switch (random() % 5) {
      case 0:
        text[where] = static_cast<char>(random());
        break;
      case 1:
        text.erase(where, 1 + random() % 8);
        break;
      case 2:
        text.insert(where, text.substr(where, random() % 40));
        break;
      case 3:
        text.insert(where, seeds[random() % seeds.size()].substr(0, random() % 60));
        break;
      default:
        text.insert(where, std::string(random() % 3 == 0 ? 3000 : 3, "\r\n\0:/%"[random() % 6]));
        break;
    }
  }
  return text;
}

}  // namespace

TEST_CASE("a body of nothing but brackets is refused and not followed", "[control]") {
  Bench bench;
  bench.guest.add("api");
  const std::string deep = std::string(30'000, '[') + std::string(30'000, ']');
  for (const char* target : {"/v1/power", "/v1/services/api/signal"}) {
    const auto answer = bench.post(target, R"({"action":)" + deep + "}");
    CHECK(answer.status == 400);
    CHECK(answer.body.find("nested too deeply") != std::string::npos);
  }
}

TEST_CASE("mutated requests are answered or refused, never worse", "[control]") {
  std::mt19937 random(20);  // NOLINT: the same sequence every time
  Bench bench;
  bench.guest.add("api");
  bench.guest.print("line");
  for (int i = 0; i < 3000; ++i) {
    Client& client = bench.connect();
    client.stream.write(mutate(random, seeds[static_cast<std::size_t>(i) % seeds.size()]));
    client.stream.shutdown();
    bench.run_until([&] { return client.has_ended; });
    for (const wire::Response& response : client.responses) {
      const int status = response.status;
      REQUIRE(((status >= 200 && status < 300) || (status >= 400 && status <= 503)));
    }
    client.stream = {};
  }
  CHECK(bench.get("/v1/session").status == 204);
  bench.run_until([&] { return bench.server.connection_count() <= 1; });
}
