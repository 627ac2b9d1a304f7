#include "hostd/vm_request.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a request for a VM survives the way into JSON and back", "[hostd]") {
  VmRequest request;
  request.image = "user-api:1.0.0";
  request.name = "api";
  request.ports = {"8080:80", "[::1]:1:2"};
  request.volumes = {"data:/var/lib/data:1G"};
  request.env = {{"A", "1"}, {"B", "\"x\"\n"}};
  request.memory = "512M";
  request.cpus = 2;
  request.network = "user";
  request.user_data = "#cloud-config\n";
  CHECK(*parse_vm_request(to_json(request)) == request);
  CHECK(to_json(VmRequest{}) == "{}");
}

TEST_CASE("an image is also called a plugin", "[hostd]") {
  CHECK(parse_vm_request(R"({"plugin":"site"})")->image == "site");
}

TEST_CASE("a member that a request cannot have is refused, with the one that may be meant", "[hostd]") {
  const auto refusal = [](const char* json) { return parse_vm_request(json).error().message; };
  CHECK(refusal(R"({"memroy":"1G"})") == "cannot read VM: unknown member `memroy`, did you mean `memory`?");
  CHECK(refusal(R"({"memory":512})") == "cannot read VM: `memory` is not text");
  CHECK(refusal(R"({"cpus":-1})") == "cannot read VM: `cpus` is not a number of processors");
  CHECK(refusal(R"({"env":{"A":1}})") == "cannot read VM: `env.A` is not text");
  CHECK(refusal(R"({"ports":[80]})") == "cannot read VM: `ports` is not a list of texts such as \"8080:80\"");
  CHECK(refusal(R"({"volumes":{}})") == "cannot read VM: `volumes` is not a list");
  CHECK(refusal("[]") == "cannot read VM: it is not a JSON object");
}
