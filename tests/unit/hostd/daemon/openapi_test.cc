// docs/openapi-hostd.yaml against the routes, and against what hostd really takes and answers; that is
// checked with every request of the tests beside this one, too (daemon_bench.h).
#include <set>

#include "hostd/daemon/views.h"
#include "hostd/images/sha256.h"
#include "kestrel/sys/file.h"
#include "tests/unit/hostd/daemon/daemon_bench.h"

using namespace kestrel;
using namespace kestrel::hostd;
using control::test::ApiDocument;
using nlohmann::json;

namespace {

std::string digest_of(std::string_view content) {
  Sha256 hash;
  hash.update(content);
  return hash.finish();
}

const json& schema(const char* name) {
  return ApiDocument::of_hostd().tree().at("components").at("schemas").at(name);
}

/// A value that a schema allows.
json example_of(const json& of) {
  if (of.contains("enum")) return of["enum"][0];
  if (of.contains("default")) return of["default"];
  if (of.contains("examples")) return of["examples"][0];
  const auto type = of.at("type").get<std::string>();
  if (type == "integer") return 1;
  if (type == "array") return json::array({example_of(of.at("items"))});
  if (type == "object") return {{"NAME", example_of(of.at("additionalProperties"))}};
  return "text";
}

}  // namespace

TEST_CASE("the OpenAPI document describes hostd's routes, all of them and no other", "[hostd]") {
  std::set<std::string> routes;
  for (std::string name : api_route_names()) {
    if (const auto at = name.find("{name}"); at != std::string::npos) name.replace(at, 6, "*");
    routes.insert(name);
  }
  CHECK(ApiDocument::of_hostd().routes() == routes);
}

TEST_CASE("hostd serves the document itself", "[hostd]") {
  Host host;
  DaemonBench daemon(host);
  CHECK(daemon.get("/v1/openapi.yaml").body == control::test::read_document("openapi-hostd.yaml"));
}

TEST_CASE("each operation of hostd has an id of its own, and its path's parameters", "[hostd]") {
  std::set<std::string> ids;
  for (const auto& [path, item] : ApiDocument::of_hostd().tree().at("paths").items()) {
    CHECK((path.find('{') == std::string::npos) == !item.contains("parameters"));
    for (const auto& [method, operation] : item.items()) {
      if (method != "parameters") CHECK(ids.insert(operation.at("operationId")).second);
    }
  }
}

TEST_CASE("what the document of hostd refers to is there, and what is there is referred to", "[hostd]") {
  const ApiDocument& document = ApiDocument::of_hostd();
  const std::string text = document.tree().dump();
  for (const auto& [kind, all] : document.tree().at("components").items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, one] : all.items())
      CHECK(text.find(concat("{\"$ref\":\"#/components/", kind, '/', name, "\"}")) != std::string::npos);
  }
  constexpr std::string_view mark = "{\"$ref\":\"";
  for (auto at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const auto begin = at + mark.size();
    CHECK_NOTHROW(document.checker().resolve({{"$ref", text.substr(begin, text.find('"', begin) - begin)}}));
  }
}

TEST_CASE("a request may have each member that the document names, and no other", "[hostd]") {
  for (const auto& [name, of] : schema("VmRequest").at("properties").items()) {
    INFO(name);
    CHECK(parse_vm_request(json({{name, example_of(of)}}).dump()));
  }
  for (const auto& [name, of] : schema("DeploymentRequest").at("properties").items()) {
    INFO(name);
    CHECK(parse_deployment_request(json({{name, example_of(of)}}).dump()));
  }
  for (const std::string_view name : vm_request_members()) {
    INFO(name);
    CHECK(schema("VmRequest").at("properties").contains(std::string(name)));
    // Volumes are for VMs on their own.
    CHECK(schema("DeploymentRequest").at("properties").contains(std::string(name)) == (name != "volumes"));
  }
}

TEST_CASE("a VM of each kind is as the document says: made, running, gone", "[hostd]") {
  Host host;
  host.remember(host.running("web"));
  FakeRunner runner(host.loop, host.vm_folder("web"));
  DaemonBench daemon(host);
  daemon.expect_state("web", "healthy");
  daemon.ask("POST", "/v1/vms?start=0", R"({"image":"site","name":"idle","memory":"64M"})");
  const json running = json_of(daemon.get("/v1/vms/web"));
  CHECK(running.at("ip") == "127.0.0.1");
  CHECK(running.at("vmm").at("accel") == "tcg");
  CHECK(running.at("wanted") == "running");
  CHECK(json_of(daemon.get("/v1/vms/idle")).at("state") == "created");
  CHECK(json_of(daemon.get("/v1/vms")).at("vms").size() == 2);

  runner.end({7, "it failed", {"because"}});
  daemon.ask("POST", "/v1/vms/web/stop");
  CHECK(daemon.get("/v1/health").status == 200);
}

TEST_CASE("a deployment is as the document says", "[hostd]") {
  Host host;
  DaemonBench daemon(host);
  const auto created = daemon.ask("POST", "/v1/deployments",
                                  R"({"name":"api","image":"site","replicas":0,"publish":["0:80"]})");
  CHECK(created.status == 201);
  CHECK(json_of(created).at("publish").at(0).at("host") > 0);
  CHECK(json_of(created).at("state") == "healthy");
  CHECK(json_of(daemon.get("/v1/deployments")).at("deployments").size() == 1);
  CHECK(daemon.ask("PATCH", "/v1/deployments/api", R"({"max_surge":2})").status == 200);
  CHECK(daemon.ask("DELETE", "/v1/deployments/api").status == 202);
  host.run_until([&] { return daemon.deployments.names().empty(); });
}

TEST_CASE("an image is as the document says, and gone when it is removed", "[hostd]") {
  Host host;
  host.install("site", "1.0.0");
  host.install("site", "2.0.0");
  DaemonBench daemon(host);
  CHECK(json_of(daemon.get("/v1/images")).at("images").size() == 2);
  CHECK(json_of(daemon.get("/v1/images/site:1.0.0")).at("version") == "1.0.0");
  CHECK(daemon.ask("DELETE", "/v1/images/site:1.0.0").status == 200);
  CHECK(daemon.get("/v1/images/site:1.0.0").status == 404);
  CHECK(daemon.get("/v1/images/SITE:").status == 422);
}

TEST_CASE("an image that is sent is installed", "[hostd]") {
  Host host;
  DaemonBench daemon(host);
  std::filesystem::create_directories(host.folder.file("site"));
  host.folder.write("site/i.cpio", "070701 a file");
  host.folder.write("site/manifest.json",
                    concat(R"({"name":"site","version":"1","initramfs":"i.cpio","checksums":{"i.cpio":")",
                           digest_of("070701 a file"), R"("}})"));
  const std::string archive = host.folder.file("site.tar.gz");
  REQUIRE(std::system(("tar czf " + archive + " -C " + host.folder.file("site") + " .").c_str()) == 0);
  const auto content = sys::read_file(archive);
  REQUIRE(content);
  const auto installed = daemon.ask("POST", "/v1/images", *content);
  INFO(installed.body);
  CHECK(installed.status == 201);
  CHECK(json_of(installed).at("name") == "site");
  CHECK(daemon.get("/v1/images/site").status == 200);
  const auto refused = daemon.ask("POST", "/v1/images", "no archive");
  CHECK(refused.status == 422);
  // Nothing of what was sent is left beside the images.
  for (const auto& entry : std::filesystem::directory_iterator(host.folder.file("images")))
    CHECK(entry.path().filename().string().find("upload") == std::string::npos);
}

TEST_CASE("what is refused is told as a problem, with the status that fits", "[hostd]") {
  Host host;
  DaemonBench daemon(host);
  const auto status = [&](const char* method, const char* target, const char* body = "") {
    const auto answer = daemon.ask(method, target, body);
    CHECK(wire::find_header(answer.headers, "Content-Type") == "application/problem+json");
    return answer.status;
  };
  CHECK(status("GET", "/v1/nothing") == 404);
  CHECK(status("GET", "/v1/vms/none") == 404);
  CHECK(status("GET", "/v1/vms/..%2f..%2fetc") == 404);
  CHECK(status("GET", "/v1/vms/%zz") == 400);
  CHECK(status("PUT", "/v1/vms/none") == 405);
  CHECK(status("POST", "/v1/vms", "no JSON") == 422);
  CHECK(status("POST", "/v1/vms", R"({"name":"x"})") == 422);
  CHECK(status("POST", "/v1/vms", R"({"image":"missing"})") == 422);
  CHECK(status("POST", "/v1/vms", R"({"image":"site","name":"../x"})") == 422);
  CHECK(status("POST", "/v1/deployments", R"({"name":"api"})") == 422);
  CHECK(status("POST", "/v1/deployments", R"({"name":"api","image":"site","repilcas":1})") == 422);
  CHECK(status("GET", "/v1/events?after=1") == 422);
  CHECK(status("GET", "/v1/events?kind=nothing") == 422);
  daemon.ask("POST", "/v1/vms?start=0", R"({"image":"site","name":"web"})");
  CHECK(status("POST", "/v1/vms?start=0", R"({"image":"site","name":"web"})") == 409);
  CHECK(status("PATCH", "/v1/vms/web", "[]") == 422);
  CHECK(status("GET", "/v1/vms/web/wait?for=breakfast") == 422);
  CHECK(status("GET", "/v1/vms/web/wait?timeout=soon") == 422);
  CHECK(status("GET", "/v1/vms/web/wait") == 409);
  CHECK(status("POST", "/v1/vms/web/pause") == 503);
}
