#include "hostd/cli/fleet_reports.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

const WallTime now = *parse_time("2026-01-02T03:05:05.000Z");

constexpr const char* running =
    R"({"name":"web","image":"site:1.0","plugin":"site","state":"healthy","started":"2026-01-02T03:04:05.000Z",)"
    R"("ended":null,"ip":"127.0.0.1","ports":[{"address":"127.0.0.1","host":8080,"guest":80}],"cpus":1,)"
    R"("memory_bytes":268435456,"outcome":null,"runtime_dir":"/run/vms/web","deployment":"api","revision":2})";
constexpr const char* crashed =
    R"({"name":"db","image":"db","plugin":"db","state":"crashed","started":"2026-01-02T03:04:05.000Z",)"
    R"("ended":"2026-01-02T03:04:35.000Z","ip":null,"ports":[{"address":"127.0.0.1","host":5432,"guest":5432}],)"
    R"("cpus":1,"memory_bytes":1,"outcome":{"status":7,"message":"it failed","details":[]},"runtime_dir":"/x"})";

std::string list_of(const std::string& one, const std::string& other) {
  return R"({"vms":[)" + one + ',' + other + "]}";
}
std::string deployment(const char* reason, const char* problem) {
  return std::string(
             R"({"name":"api","plugin":"site","state":"updating","replicas":3,"healthy":2,"updated":1,)") +
         R"("revision":4,"created":"2026-01-02T03:04:05.000Z","publish":[],"rollback_reason":)" + reason +
         R"(,"publish_problem":)" + problem + R"(,"vms":[)" + running + "]}";
}

bool has(const Result<std::string>& report, std::string_view part) {
  REQUIRE(report);
  INFO(*report);
  return report->find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("VMs are listed with where they are reached, or how they ended", "[hostd]") {
  const auto report = report_vms(list_of(running, crashed), now);
  REQUIRE(report);
  CHECK(*report ==
        "NAME   IMAGE   STATE     UPTIME   IP          PORTS\n"
        "web    site    healthy   1m00s    127.0.0.1   127.0.0.1:8080 → 80\n"
        "db     db      crashed   -        -           status 7: it failed\n");
}

TEST_CASE("a VM is shown with its deployment, its machine, its folder", "[hostd]") {
  const auto report = report_vm(running, now);
  CHECK(has(report, "1m00s ago"));
  CHECK(has(report, "256 MiB"));
  CHECK(has(report, "api, revision 2"));
  CHECK(has(report, "/run/vms/web"));
  CHECK(has(report_vm(crashed, now), "2026-01-02T03:04:35.000Z, status 7: it failed"));
}

TEST_CASE("a deployment is shown with how far it is, why it went back, and its replicas", "[hostd]") {
  const auto report = report_deployment(deployment("\"2 failed\"", "\"port taken\""), now);
  CHECK(has(report, "updating   2/3       1/3       4"));
  CHECK(has(report, "the last update was taken back: 2 failed\n"));
  CHECK(has(report, "port taken\n"));
  CHECK(has(report, "web    site"));
  CHECK_FALSE(has(report_deployment(deployment("null", "null"), now), "taken"));
}

TEST_CASE("names are listed alone for programs", "[hostd]") {
  CHECK(report_names(list_of(running, crashed)) == "web\ndb\n");
  CHECK(report_names(R"({"deployments":[{"name":"api"}]})") == "api\n");
  CHECK(report_names("no JSON").empty());
}

TEST_CASE("what a VM says of itself does not reach the terminal's controls", "[hostd]") {
  const auto report = report_vms(R"({"vms":[{"name":"web","plugin":"\u001b[2J","state":"healthy"}]})", now);
  REQUIRE(report);
  CHECK(report->find('\x1b') == std::string::npos);
}

TEST_CASE("how far a deployment is is read from the answer", "[hostd]") {
  const auto progress = parse_deployment_progress(deployment("\"2 failed\"", "null"));
  REQUIRE(progress);
  CHECK(progress->state == "updating");
  CHECK(progress->replicas == 3);
  CHECK(progress->healthy == 2);
  CHECK(progress->updated == 1);
  CHECK(progress->rollback_reason == "2 failed");
}

TEST_CASE("an answer that is none is an error", "[hostd]") {
  CHECK_FALSE(report_vms("no JSON", now));
  CHECK_FALSE(report_vms("{}", now));
  CHECK_FALSE(report_vms(R"({"vms":7})", now));
  CHECK_FALSE(report_vm("[]", now));
  CHECK_FALSE(report_deployments("{}", now));
  CHECK_FALSE(report_deployment("7", now));
  CHECK_FALSE(parse_deployment_progress("7"));
  CHECK_FALSE(parse_deployment_progress(R"({"replicas":"many"})"));
}
