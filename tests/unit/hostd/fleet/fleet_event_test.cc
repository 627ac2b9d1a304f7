#include "hostd/fleet/fleet_event.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

using namespace kestrel;
using namespace kestrel::hostd;
using nlohmann::json;

namespace {

constexpr WallTime now{milliseconds(1'700'000'000'000)};

VmRecord wanted_vm() {
  VmRecord vm;
  vm.name = "web";
  vm.spec.image = "static-site";
  vm.is_wanted = true;
  return vm;
}

json members_of(const FleetEvent& event) { return json::parse('{' + event.members + '}'); }

FleetEvent of_record(const char* record, const VmRecord& vm = wanted_vm(), std::string_view ip = {}) {
  auto event = event_of_record(record, vm, ip, now);
  REQUIRE(event);
  return *event;
}

}  // namespace

TEST_CASE("a runner's record becomes an event with the names that users of Volant know", "[hostd]") {
  const auto event =
      of_record(R"({"seq":3,"time":"2026-01-02T03:04:05.678Z","type":"vm.started","accel":"kvm"})",
                wanted_vm(), "10.0.0.10");
  CHECK(event.name == "vm.started");
  CHECK(event.record_seq == 3);
  CHECK_FALSE(event.outcome);
  CHECK(members_of(event) == json({{"time", "2026-01-02T03:04:05.678Z"},
                                   {"event", "vm.started"},
                                   {"vm", "web"},
                                   {"plugin", "static-site"},
                                   {"ip", "10.0.0.10"},
                                   {"accel", "kvm"}}));
}

TEST_CASE("the event of a replica names its deployment", "[hostd]") {
  VmRecord vm = wanted_vm();
  vm.replica = {"api", 2};
  CHECK(members_of(of_record(R"({"seq":1,"type":"vm.ready"})", vm)).at("deployment") == "api");
}

TEST_CASE("nothing in a record's data passes for what hostd says of the event", "[hostd]") {
  const auto event = of_record(
      R"({"seq":3,"type":"service.ready","guest_seq":1,"event":"vm.crashed","vm":"db","plugin":"x","ip":"6.6.6.6",)"
      R"("deployment":"api"})");
  CHECK(event.name == "service.ready");
  CHECK(members_of(event) == json({{"event", "service.ready"}, {"vm", "web"}, {"plugin", "static-site"}}));
}

TEST_CASE("the numbers of runner and guest are left out of an event", "[hostd]") {
  const json members = members_of(of_record(R"({"seq":3,"type":"vm.ready","mono_ms":5,"guest_seq":9})"));
  CHECK_FALSE(members.contains("seq"));
  CHECK_FALSE(members.contains("mono_ms"));
  CHECK_FALSE(members.contains("guest_seq"));
}

TEST_CASE("a run that ends without success though it is wanted has crashed", "[hostd]") {
  const char* const record =
      R"({"seq":9,"type":"vm.stopped","status":7,"message":"it failed","details":["a","b"]})";
  const auto crashed = of_record(record);
  CHECK(crashed.name == "vm.crashed");
  CHECK(members_of(crashed).at("event") == "vm.crashed");
  CHECK(crashed.outcome == Outcome{7, "it failed", {"a", "b"}});
  VmRecord unwanted = wanted_vm();
  unwanted.is_wanted = false;
  CHECK(of_record(record, unwanted).name == "vm.stopped");
  CHECK(of_record(R"({"seq":9,"type":"vm.stopped","status":0})").name == "vm.stopped");
}

TEST_CASE("an end that no record tells is told by hostd alike", "[hostd]") {
  const auto event = event_of_end({125, "its runner died", {}}, wanted_vm(), now);
  CHECK(event.name == "vm.crashed");
  CHECK(event.outcome == Outcome{125, "its runner died", {}});
  CHECK(members_of(event).at("message") == "its runner died");
  CHECK(members_of(event).at("time") == "2023-11-14T22:13:20.000Z");
}

TEST_CASE("a guest cannot say that its VM has ended, nor anything else that is not for it to say",
          "[hostd]") {
  const auto event = of_record(R"({"seq":9,"type":"vm.stopped","guest_seq":1,"status":7})");
  CHECK(event.name == "guest.vm.stopped");
  CHECK_FALSE(event.outcome);
  CHECK(of_record(R"({"seq":9,"type":"vm.deleted","guest_seq":1})").name == "guest.vm.deleted");
  CHECK(of_record(R"({"seq":9,"type":"deployment.deleted","guest_seq":1})").name ==
        "guest.deployment.deleted");
  CHECK(of_record(R"({"seq":9,"type":"vm.healthy","guest_seq":1})").name == "vm.healthy");
  CHECK(of_record(R"({"seq":9,"type":"job.completed","guest_seq":1})").name == "job.completed");
}

TEST_CASE("what the runner's files had given up is told, and counts as seen", "[hostd]") {
  const auto event = of_record(R"({"gap":{"first":2,"last":40}})");
  CHECK(event.name == "vm.events_lost");
  CHECK(event.record_seq == 40);
  CHECK(members_of(event).at("gap") == json({{"first", 2}, {"last", 40}}));
  CHECK(members_of(event).contains("time"));
}

TEST_CASE("a gap in the guest's own numbers says nothing about the runner's", "[hostd]") {
  const auto event =
      of_record(R"({"seq":5,"time":"2026-01-02T03:04:05.678Z","gap":{"first":2,"last":400000}})");
  CHECK(event.name == "vm.events_lost");
  CHECK(event.record_seq == 5);
}

TEST_CASE("what is no record becomes no event", "[hostd]") {
  for (const char* line :
       {"", "no JSON", "[]", "{}", R"({"type":"vm.ready"})", R"({"seq":"1","type":"vm.ready"})",
        R"({"seq":-1,"type":"vm.ready"})", R"({"seq":1,"type":7})", R"({"seq":1})", R"({"gap":7})",
        R"({"gap":{"first":1}})", R"({"gap":{"last":-4}})"}) {
    INFO(line);
    CHECK_FALSE(event_of_record(line, wanted_vm(), {}, now));
  }
}

TEST_CASE("bytes that are no text leave an event whole", "[hostd]") {
  VmRecord vm = wanted_vm();
  vm.spec.image = "\xff\xfe";
  CHECK(members_of(event_of_vm("vm.created", vm, now)).at("vm") == "web");
}

TEST_CASE("an event about a deployment carries what is added to it", "[hostd]") {
  const auto event =
      event_of_deployment("deployment.scaled", "api", now, R"({"replicas":3,"event":"x","deployment":"y"})");
  CHECK(members_of(event) == json({{"time", "2023-11-14T22:13:20.000Z"},
                                   {"event", "deployment.scaled"},
                                   {"deployment", "api"},
                                   {"replicas", 3}}));
}
