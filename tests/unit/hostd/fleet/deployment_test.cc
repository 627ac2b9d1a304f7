#include "hostd/fleet/deployment.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

DeploymentRequest request() {
  DeploymentRequest all;
  all.name = "api";
  all.replicas = 3;
  all.publish = {"127.0.0.1:8080:80"};
  all.rollout = {2, 1, seconds(90), 5, milliseconds(1500)};
  all.vm.image = "user-api:1.0.0";
  all.vm.env = {{"LOG_LEVEL", "info"}};
  return all;
}

Deployment deployment() {
  Deployment all;
  all.name = "api";
  all.replicas = 3;
  all.publish = {{"127.0.0.1", 8080, 80}};
  all.rollout = request().rollout;
  all.target = {4, request().vm, {}};
  all.target.spec.kernel = "/boot/vmlinuz";
  all.previous = Revision{3, {}, {}};
  all.last_revision = 4;
  all.rollback_reason = "2 of its replicas failed";
  all.is_leaving = true;
  all.created = WallTime(milliseconds(1'700'000'000'123));
  return all;
}

std::string refusal(const char* json) {
  const auto parsed = parse_deployment_request(json);
  return parsed ? "" : parsed.error().message;
}

}  // namespace

TEST_CASE("a request for a deployment survives the way into JSON and back", "[hostd]") {
  const auto parsed = parse_deployment_request(to_json(request()));
  REQUIRE(parsed);
  CHECK(*parsed == request());
}

TEST_CASE("the seeds' request for a deployment is understood, with defaults for the rest", "[hostd]") {
  const auto parsed =
      parse_deployment_request(R"({"name": "user-api", "plugin": "user-api", "replicas": 3})");
  REQUIRE(parsed);
  CHECK(parsed->name == "user-api");
  CHECK(parsed->vm.image == "user-api");
  CHECK(parsed->vm.name.empty());
  CHECK(parsed->replicas == 3);
  CHECK(parsed->rollout == RolloutPolicy{});
  CHECK(problem_of(*parsed).empty());
}

TEST_CASE("a deployment survives the way into the registry and back, whole", "[hostd]") {
  const auto parsed = parse_deployment(to_json(deployment()));
  REQUIRE(parsed);
  CHECK(*parsed == deployment());
  Deployment settled = deployment();
  settled.previous.reset();
  CHECK(*parse_deployment(to_json(settled)) == settled);
}

TEST_CASE("what a deployment was asked for can be asked for again", "[hostd]") {
  CHECK(request_of(deployment()) == request());
}

TEST_CASE("a member that a deployment cannot have is refused, with what it ought to be", "[hostd]") {
  CHECK(refusal("[]") == "cannot read deployment: it is not a JSON object");
  CHECK(refusal(R"({"replicas":-1})") == "cannot read deployment: `replicas` is not a number");
  CHECK(refusal(R"({"replicas":1.5})") == "cannot read deployment: `replicas` is not a number");
  CHECK(refusal(R"({"replicas":99999999999})") == "cannot read deployment: `replicas` is not a number");
  CHECK(refusal(R"({"drain_timeout":5})") ==
        "cannot read deployment: `drain_timeout` is not a length of time such as \"30s\"");
  CHECK(refusal(R"({"progress_timeout":"soon"})") ==
        "cannot read deployment: `progress_timeout` is not a length of time such as \"30s\"");
  CHECK(refusal(R"({"publish":"8080:80"})") ==
        "cannot read deployment: `publish` is not a list of texts such as \"8080:80\"");
  CHECK(refusal(R"({"publish":[8080]})") ==
        "cannot read deployment: `publish` is not a list of texts such as \"8080:80\"");
}

TEST_CASE("an unknown member of a deployment is refused, with the one that may be meant", "[hostd]") {
  CHECK(refusal(R"({"repilcas":3})") ==
        "cannot read deployment: unknown member `repilcas`, did you mean `replicas`?");
  CHECK(refusal(R"({"memroy":"1G"})") ==
        "cannot read deployment: unknown member `memroy`, did you mean `memory`?");
}

TEST_CASE("what cannot be carried out is a problem of its request", "[hostd]") {
  const auto problem = [](void (*change)(DeploymentRequest&)) {
    DeploymentRequest changed = request();
    change(changed);
    return problem_of(changed);
  };
  CHECK(problem([](DeploymentRequest&) {}).empty());
  CHECK(problem([](DeploymentRequest& r) { r.name = "../x"; }).find("no deployment's name") !=
        std::string::npos);
  CHECK(problem([](DeploymentRequest& r) { r.name.clear(); }).find("no deployment's name") !=
        std::string::npos);
  CHECK(problem([](DeploymentRequest& r) { r.name = std::string(36, 'a'); }).find("at most 35") !=
        std::string::npos);
  CHECK(problem([](DeploymentRequest& r) { r.name = std::string(35, 'a'); }).empty());
  CHECK(problem([](DeploymentRequest& r) { r.replicas = 1001; }) == "it cannot have more than 1000 replicas");
  CHECK(problem([](DeploymentRequest& r) {
          r.rollout.max_surge = r.rollout.max_unavailable = 0;
        }).find("an update could never begin") != std::string::npos);
  CHECK(problem([](DeploymentRequest& r) { r.vm.ports = {"8080:80"}; }).find("`publish` is for") !=
        std::string::npos);
  CHECK(problem([](DeploymentRequest& r) { r.vm.ports = {"0:80"}; }).empty());
}

TEST_CASE("a volume is for one VM at a time, so a deployment has none", "[hostd]") {
  DeploymentRequest with_volume = request();
  with_volume.vm.volumes = {"data:/srv:1G"};
  CHECK(problem_of(with_volume).find("its replicas would all use volume data:/srv:1G") != std::string::npos);
}

TEST_CASE("a replica has the first name that is free", "[hostd]") {
  CHECK(free_replica_name("api", {}) == "api-1");
  CHECK(free_replica_name("api", {"api-1", "api-3", "web-2"}) == "api-2");
}

TEST_CASE("a replica's spec differs from its revision's by name and folder alone", "[hostd]") {
  VmSpec expected = deployment().target.spec;
  expected.name = "api-7";
  expected.runtime_dir = "/run/vms/api-7";
  CHECK(spec_of_replica(deployment().target, "api-7", "/run/vms") == expected);
}
