#include "tests/unit/control/api_bench.h"

namespace kestrel::control {
namespace {

using test::Bench;
using test::json_of;
using test::problem_of;

wire::Response put(Bench& bench, std::string_view target, std::string_view body,
                   std::string_view headers = {}) {
  return bench.call(bench.connect(), "PUT", target, body, headers);
}

TEST_CASE("the running configuration is its text, with its digest as entity tag", "[control]") {
  Bench bench;
  const wire::Response response = bench.get("/v1/config");
  CHECK(response.status == 200);
  CHECK(response.body == bench.guest.config.text);
  CHECK(wire::find_header(response.headers, "Content-Type") == "application/yaml");
  CHECK(wire::find_header(response.headers, "ETag") == R"("0123456789abcdef")");
}

TEST_CASE("a reload is answered with its plan and the digest of its text", "[control]") {
  Bench bench;
  bench.guest.report = {.plan = {.unchanged = {"a"},
                                 .updated = {"b"},
                                 .restarted = {"c"},
                                 .added = {"d"},
                                 .removed = {"e"},
                                 .changed_keys = {{"b", {"log"}}, {"c", {"command", "args"}}},
                                 .guest = {"health"},
                                 .needs_boot = {"mounts"}},
                        .digest = "fedcba9876543210"};
  const wire::Response response = put(bench, "/v1/config", "exec: [new]\n");
  CHECK(response.status == 200);
  CHECK(json_of(response) == nlohmann::json::parse(R"({
    "plan": {"unchanged": ["a"], "updated": ["b"], "restarted": ["c"], "added": ["d"], "removed": ["e"],
             "changed_keys": {"b": ["log"], "c": ["command", "args"]}, "guest": ["health"],
             "needs_boot": ["mounts"]},
    "digest": "fedcba9876543210"})"));
  REQUIRE(bench.guest.reloads.size() == 1);
  CHECK(bench.guest.reloads[0] == std::pair(std::string("exec: [new]\n"), ReloadMode::apply));
}

TEST_CASE("a dry run is no more than that", "[control]") {
  Bench bench;
  CHECK(put(bench, "/v1/config?dry_run=1", "exec: []\n").status == 200);
  CHECK(bench.guest.reloads.at(0).second == ReloadMode::dry_run);
  CHECK(problem_of(put(bench, "/v1/config?dry_run=maybe", "exec: []\n")).find("dry_run") !=
        std::string::npos);
  CHECK(bench.guest.reloads.size() == 1);
}

TEST_CASE("a configuration that is not valid is refused with everything that is wrong", "[control]") {
  Bench bench;
  bench.guest.report = {.verdict = ReloadReport::Verdict::invalid,
                        .problems = {{2, 5, "unknown key 'comand'"}, {0, 0, "\xff"}}};
  const wire::Response response = put(bench, "/v1/config", "exec: 1\n");
  CHECK(response.status == 400);
  CHECK(problem_of(response) == "the configuration is not valid: 2 problems");
  CHECK(json_of(response)["problems"][0] ==
        nlohmann::json::parse(R"({"line": 2, "column": 5, "message": "unknown key 'comand'"})"));
  CHECK(json_of(response)["problems"].size() == 2);
}

TEST_CASE("a reload beside another is a conflict, and one while the guest goes down has come too late",
          "[control]") {
  Bench bench;
  bench.guest.report = {.verdict = ReloadReport::Verdict::conflict, .message = "another reload is under way"};
  const wire::Response conflict = put(bench, "/v1/config", "exec: []\n");
  CHECK(conflict.status == 409);
  CHECK(problem_of(conflict) == "another reload is under way");
  bench.guest.report = {.verdict = ReloadReport::Verdict::gone, .message = "the guest is not up"};
  CHECK(put(bench, "/v1/config", "exec: []\n").status == 503);
}

TEST_CASE("a reload of another configuration than the caller thinks is not begun", "[control]") {
  Bench bench;
  const auto with = [&](std::string_view condition) {
    return put(bench, "/v1/config", "exec: []\n", concat("If-Match: ", condition, "\r\n"));
  };
  CHECK(problem_of(with(R"("aaaaaaaaaaaaaaaa")")) ==
        "another configuration runs: its digest is 0123456789abcdef");
  CHECK(with(R"(W/"0123456789abcdef")").status == 412);
  CHECK(bench.guest.reloads.empty());
  CHECK(with(R"("aaaaaaaaaaaaaaaa", "0123456789abcdef")").status == 200);
  CHECK(with("*").status == 200);
  CHECK(bench.guest.reloads.size() == 2);
}

TEST_CASE("a configuration may have a mebibyte, other bodies may not", "[control]") {
  Bench bench;
  const std::string longest(1 << 20, '#');
  CHECK(put(bench, "/v1/config?dry_run=1", longest).status == 200);
  CHECK(bench.guest.reloads.at(0).first == longest);
  CHECK(put(bench, "/v1/config", longest + "#").status == 413);
  CHECK(put(bench, "/v1/info", longest).status == 413);
  CHECK(bench.post("/v1/power", longest).status == 413);
}

TEST_CASE("a chunked configuration is held to the same length", "[control]") {
  Bench bench;
  const auto send = [&](std::size_t size) {
    test::Client& client = bench.connect();
    const std::string body(size, '#');
    client.stream.write(concat("PUT /v1/config HTTP/1.1\r\nHost: vm\r\nTransfer-Encoding: chunked\r\n\r\n",
                               wire::chunk(std::string_view(body).substr(0, 1000)),
                               wire::chunk(std::string_view(body).substr(1000)), wire::last_chunk()));
    return bench.next(client).status;
  };
  CHECK(send(1 << 20) == 200);
  CHECK(send((1 << 20) + 1) == 413);
}

}  // namespace
}  // namespace kestrel::control
