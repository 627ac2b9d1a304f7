// The whole documented format.
#include "kestrel/config/build.h"

#include <catch2/catch.hpp>

#include "kestrel/config/yaml_reader.h"

using namespace kestrel;
using namespace kestrel::config;

namespace {

constexpr std::string_view everything = R"(exec:
  - name: api
    command: /bin/api
    user: postgres
    groups: [ssl-cert, "4"]
    ready: {tcp: 80}
    start_timeout: 60s
    hooks: {pre_start: [/bin/prepare], post_start: [], pre_stop: [], post_stop: [{command: rm, args: [-f, /run/a]}]}
    limits: {memory: 256M, cpu: 0.5, pids: 100, nofile: 65536, core: 0, oom_score_adj: -10, nice: 5}
    security: {no_new_privileges: true, capabilities: [net_bind_service]}
    schedule: "0 2 * * *"
    timezone: Europe/Berlin
    concurrency: replace
    log: {ring: 64K, file: /var/log/api.log, rotate: {size: 1M, keep: 2}, on_full: block}
hooks: {pre_start: [a], post_start: [b], pre_stop: [c], post_stop: [d], on_unhealthy: [e], post_resume: [f]}
mounts: [{source: data, target: /var/lib/data, type: ext4, options: [noatime]}]
modules: [nf_tables]
sysctl: {net.core.somaxconn: 4096}
network: {mode: static, interface: eth0, address: 10.0.0.2/24, gateway: 10.0.0.1, dns: [10.0.0.1]}
)";

ModelDraft build_everything(std::string_view text) {
  Problems problems;
  const auto tree = read_yaml(text, problems);
  REQUIRE(tree);
  auto draft = build(*tree->root, problems);
  for (const Problem& problem : problems) UNSCOPED_INFO(describe(problem, "text"));
  REQUIRE(problems.empty());
  return *std::move(draft);
}

std::string problem_with(std::string_view service_keys) {
  Problems problems;
  const auto tree =
      read_yaml("exec:\n  - {name: a, command: a, " + std::string(service_keys) + "}\n", problems);
  (void)build(*tree->root, problems);
  return problems.empty() ? "" : problems.front().message;
}

}  // namespace

TEST_CASE("the tables understand the keys of a service", "[config]") {
  const Service service = build_everything(everything).services.at(0).service;
  CHECK(service.user == User{"postgres", {}, {"ssl-cert", "4"}});
  CHECK(service.ready == Readiness{ReadyByTcp{80}});
  CHECK(service.start_timeout == Duration{seconds(60)});
  CHECK(service.hooks == Hooks{{{"/bin/prepare", {}}}, {}, {}, {{"rm", {"-f", "/run/a"}}}, {}});
  CHECK(service.limits == Limits{mebibytes(256), 0.5, 100, 65536, Bytes{0}, -10, 5});
  CHECK(service.security == Security{true, std::vector<std::string>{"net_bind_service"}});
  CHECK(service.schedule == Schedule{"0 2 * * *", "Europe/Berlin", Overlap::replace});
  CHECK(service.log == Log{kibibytes(64), "/var/log/api.log", {mebibytes(1), 2}, OnFull::block});
}

TEST_CASE("the tables understand the keys of the guest", "[config]") {
  const Model model = build_everything(everything).model;
  CHECK(model.hooks == Hooks{{{"a", {}}}, {{"b", {}}}, {{"c", {}}}, {{"d", {}}}, {{"e", {}}}, {{"f", {}}}});
  CHECK(model.mounts == std::vector<Mount>{{"data", "/var/lib/data", "ext4", {"noatime"}}});
  CHECK(model.modules == std::vector<std::string>{"nf_tables"});
  CHECK(model.sysctl == std::map<std::string, std::string>{{"net.core.somaxconn", "4096"}});
  CHECK(model.network == Network{NetworkMode::fixed, "eth0", "10.0.0.2/24", "10.0.0.1", {"10.0.0.1"}});
}

TEST_CASE("an interface may be named for an address that is leased", "[config]") {
  const std::string text =
      "network: {mode: dhcp, interface: eth1, dns: [9.9.9.9]}\nexec: [{name: a, command: a}]";
  CHECK(build_everything(text).model.network == Network{NetworkMode::dhcp, "eth1", "", "", {"9.9.9.9"}});
}

TEST_CASE("readiness is exactly one of its ways", "[config]") {
  CHECK(build_everything("exec: [{name: a, command: a, ready: {notify: true}}]").services[0].service.ready ==
        Readiness{ReadyByNotify{}});
  CHECK(build_everything("exec: [{name: a, command: a, ready: {fd: 4}}]").services[0].service.ready ==
        Readiness{ReadyByFd{4}});
  CHECK(build_everything("exec: [{name: a, command: a, ready: {log: ^up}}]").services[0].service.ready ==
        Readiness{ReadyByLog{"^up"}});
  CHECK(problem_with("ready: {}") == "'ready' expects exactly one of 'notify', 'fd', 'log' and 'tcp'");
  CHECK(problem_with("ready: {fd: 3, tcp: 80}") ==
        "'ready' expects exactly one of 'notify', 'fd', 'log' and 'tcp'");
  CHECK(problem_with("ready: {notify: false}") == "'notify' can only be true; leave it out for the default");
  CHECK(problem_with("ready: {fd: 2}") == "'fd' expects a whole number from 3 to 1023, found the number 2");
}

TEST_CASE("bounds and schedules are checked in the tables", "[config]") {
  CHECK(problem_with("limits: {cpu: 0}") == "'cpu' expects at least 0.01 of a processor, found the number 0");
  CHECK(problem_with("limits: {memory: lots}") == "'memory' expects a size such as 64M or 1G, found 'lots'");
  CHECK(problem_with("limits: {nice: 20}") ==
        "'nice' expects a whole number from -20 to 19, found the number 20");
  CHECK(problem_with("timezone: UTC") == "missing key 'schedule'");
  CHECK(problem_with("schedule: '61 * * * *'") ==
        "'schedule' is not a cron expression: the minute '61' is not within 0-59");
  CHECK(problem_with("schedule: '0 0 31 2 *'") == "'schedule' is never due: no month has such a day");
  CHECK(problem_with("schedule: '@daily', timezone: ../etc/passwd") ==
        "'timezone' expects the name of a time zone such as Europe/Berlin, found '../etc/passwd'");
  CHECK(problem_with("groups: [a]") == "missing key 'user'");
  CHECK(problem_with("log: {file: api.log}") == "'file' expects an absolute path, found 'api.log'");
}
