#include "kestrel/config/load.h"

#include <catch2/catch.hpp>

#include "tests/unit/config/loading.h"

using namespace kestrel;
using namespace kestrel::config;

namespace {

Service first_service(std::string_view keys) {
  return load_valid("exec:\n  - name: a\n    command: /bin/a\n" + std::string(keys)).services.front();
}

}  // namespace

TEST_CASE("what the static site's file says is what the model holds", "[config]") {
  const Model model = load_valid(R"(exec:
  - name: caddy
    command: /bin/caddy
    args: ["file-server", "--root", "/var/www", "--listen", ":8080"]

health:
  http:
    port: 8080
    path: /
)");
  Model expected;
  Service caddy;
  caddy.name = "caddy";
  caddy.command = {"/bin/caddy", {"file-server", "--root", "/var/www", "--listen", ":8080"}};
  expected.services = {caddy};
  Check http;
  http.name = "http";
  http.probe = HttpProbe{.port = 8080};
  expected.checks = {http};
  CHECK(model == expected);
}

TEST_CASE("services restart always and jobs never unless told otherwise", "[config]") {
  CHECK(first_service("").restart.policy == RestartPolicy::always);
  CHECK(first_service("    run_once: true\n").restart.policy == RestartPolicy::never);
  CHECK(first_service("    schedule: '@daily'\n").restart.policy == RestartPolicy::never);
  CHECK(first_service("    run_once: true\n    restart: on_failure\n").restart.policy ==
        RestartPolicy::on_failure);
  CHECK(first_service("    run_once: true\n    restart: {max_restarts: 3}\n").restart.policy ==
        RestartPolicy::never);
  CHECK(first_service("    restart: never\n").restart.policy == RestartPolicy::never);
}

TEST_CASE("restart takes a map with every part", "[config]") {
  const Service service = first_service(
      "    restart: {policy: on_failure, backoff: {initial: 50ms, factor: 1.5, max: 1m, jitter: 0, "
      "reset_after: 5s},\n"
      "              max_restarts: 4, window: 1m, on_exhausted: shutdown}\n");
  const Restart expected = {RestartPolicy::on_failure,
                            {milliseconds(50), 1.5, minutes(1), 0, seconds(5)},
                            4,
                            minutes(1),
                            OnExhausted::shutdown};
  CHECK(service.restart == expected);
}

TEST_CASE("a dependency waits for completion of a job, health where there is a check, else readiness",
          "[config]") {
  const Model model = load_valid(R"(exec:
  - {name: job, command: a, run_once: true}
  - {name: checked, command: b, health: {tcp: {port: 80}}}
  - {name: plain, command: c}
  - {name: last, command: d, depends_on: [plain, job, checked]}
)");
  const std::vector<Dependency> expected = {
      {2, Condition::ready}, {0, Condition::completed}, {1, Condition::healthy}};
  CHECK(model.services[3].depends_on == expected);
}

TEST_CASE("a dependency may be a map with its own condition", "[config]") {
  const Model model = load_valid(R"(exec:
  - {name: last, command: d, depends_on: [{name: job, condition: started, restart: true, required: false}]}
  - {name: job, command: a, run_once: true}
)");
  const std::vector<Dependency> expected = {{1, Condition::started, true, false}};
  CHECK(model.services[0].depends_on == expected);
}

TEST_CASE("arguments are text, spelled as in the file", "[config]") {
  const Service service = first_service("    args: [1, true, 0x1F, 1.50, yes, \"q\", 007, a b]\n");
  const std::vector<std::string> expected = {"1", "true", "0x1F", "1.50", "yes", "q", "007", "a b"};
  CHECK(service.command.args == expected);
}

TEST_CASE("variables come as a list with sources or as a map", "[config]") {
  const Service listed = first_service(R"(    env:
      - {name: A, value: 5}
      - {name: B, value_from: env, default: ""}
      - {name: C, value_from: "file:/run/secrets/c"}
)");
  const std::vector<EnvironmentEntry> expected = {
      {"A", Literal{"5"}}, {"B", FromVmEnvironment{""}}, {"C", FromFile{"/run/secrets/c", {}}}};
  CHECK(listed.environment == expected);
  const Service mapped = first_service("    env: {A: 5, B: on}\n");
  CHECK(mapped.environment == std::vector<EnvironmentEntry>{{"A", Literal{"5"}}, {"B", Literal{"on"}}});
}

TEST_CASE("a service's checks restart it and the guest's do nothing by themselves", "[config]") {
  const std::string check = "health: {exec: {command: ps, retries: 5, timeout: 1s}}\n";
  const Service service = first_service("    " + check);
  REQUIRE(service.checks.size() == 1);
  CHECK(service.checks[0].on_failure == OnUnhealthy::restart);
  CHECK(service.checks[0].failure_threshold == 5);
  CHECK(service.checks[0].timeout == seconds(1));
  CHECK(service.checks[0].name == "exec");
  const Model model = load_valid("exec: [{name: a, command: a}]\n" + check);
  CHECK(model.checks[0].on_failure == OnUnhealthy::none);
}

TEST_CASE("checks may be a list of named ones", "[config]") {
  const Service service = first_service(R"(    health:
      - name: front
        http: {port: 80, host: example.org, method: HEAD, headers: {X-A: b}, expect_status: [200, 204], expect_body: "^ok"}
      - tcp: {port: 5432, interval: 1s, success_threshold: 2, start_period: 0, start_interval: 50ms}
        on_failure: shutdown
)");
  REQUIRE(service.checks.size() == 2);
  CHECK(service.checks[0].name == "front");
  const HttpProbe front = {80, "/", "example.org", "HEAD", {{"X-A", "b"}}, {200, 204}, "^ok"};
  CHECK(service.checks[0].probe == Probe{front});
  CHECK(service.checks[1].name == "tcp");
  CHECK(service.checks[1].start_period == Duration::zero());
  CHECK(service.checks[1].on_failure == OnUnhealthy::shutdown);
}

TEST_CASE("the parts of a process's surroundings are read", "[config]") {
  const Service service = first_service(R"(    user: "1000:www-data"
    umask: 0027
    working_dir: /srv
    stop: {signal: SIGINT, timeout: 1m30s}
    on_exit: {success: shutdown, failure: restart}
    success_exit_codes: [0, 3]
    tier: infrastructure
)");
  CHECK(service.user == User{"1000", "www-data", {}});
  CHECK(service.umask == 027u);
  CHECK(service.working_dir == "/srv");
  CHECK(service.stop == Stop{2, seconds(90)});
  CHECK(service.on_exit == OnExit{ExitAction::shutdown, ExitAction::restart});
  CHECK(service.success_exit_codes == std::vector{0, 3});
  CHECK(service.tier == Tier::infrastructure);
}

TEST_CASE("the guest's own keys are read", "[config]") {
  const Model model = load_valid(R"(version: 1
hostname: api.internal
env: {TZ: UTC}
env_files: ['-/etc/environment', /etc/more]
hooks: {pre_start: [/scripts/init.sh, {command: mkdir, args: [-p, /run/a]}]}
shutdown: {timeout: 5s}
exec: [{name: a, command: a}]
)");
  CHECK(model.hostname == "api.internal");
  CHECK(model.environment == std::vector<EnvironmentEntry>{{"TZ", Literal{"UTC"}}});
  CHECK(model.environment_files ==
        std::vector<EnvironmentFile>{{"/etc/environment", true}, {"/etc/more", false}});
  CHECK(model.hooks.pre_start == std::vector<Command>{{"/scripts/init.sh", {}}, {"mkdir", {"-p", "/run/a"}}});
  CHECK(model.shutdown_timeout == seconds(5));
}

TEST_CASE("keys that begin with x- are ignored anywhere", "[config]") {
  const Model model =
      load_valid("x-top: [{a: b}]\nexec: [{name: a, command: a, x-note: {}, env: {x-b: 1, C: 2}}]\n");
  CHECK(model.services[0].environment == std::vector<EnvironmentEntry>{{"C", Literal{"2"}}});
}

TEST_CASE("problems from all steps come together, ordered by position", "[config]") {
  const Problems problems = problems_in(R"(hostnam: a
exec:
  - {name: a, command: a, depends_on: [b]}
  - {name: a, command: ./b, restart: 1}
)");
  std::vector<std::pair<int, int>> places;
  for (const Problem& problem : problems) places.emplace_back(problem.line, problem.column);
  CHECK(places == std::vector<std::pair<int, int>>{{1, 1}, {3, 40}, {4, 12}, {4, 24}, {4, 38}});
}

TEST_CASE("beyond a thousand problems only their number is told", "[config]") {
  std::string text = "exec:\n";
  for (int i = 0; i < 1500; ++i) text += "  - oops\n";
  const Problems problems = problems_in(text);
  REQUIRE(problems.size() == max_problems + 1);
  CHECK(problems.back().message == "from here on, 500 more problems");
}

TEST_CASE("a file that cannot be read is a problem of the whole file", "[config]") {
  const auto loaded = load_file("/nonexistent/config.yaml");
  const auto& problems = std::get<Problems>(loaded);
  REQUIRE(problems.size() == 1);
  CHECK(describe(problems[0], "f") == "f: cannot read /nonexistent/config.yaml: No such file or directory");
  CHECK(std::get<Problems>(load_file("/")).at(0).message == "cannot read /: Is a directory");
}

TEST_CASE("five hundred services in a chain load in order", "[config]") {
  std::string text = "exec:\n";
  for (int i = 0; i < 500; ++i) {
    const std::string number = std::to_string(i);
    text += "  - {name: s" + number + ", command: a";
    if (i > 0) text += ", depends_on: [s" + std::to_string(i - 1) + "]";
    text += "}\n";
  }
  const Model model = load_valid(text);
  REQUIRE(model.services.size() == 500);
  CHECK(model.services[499].depends_on == std::vector<Dependency>{{498, Condition::ready}});
}
