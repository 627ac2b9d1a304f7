// All of hostd but its process: registry, VMs, deployments and API in a temporary folder, on the test's loop.
// Its VMs have fake runners (fake_runner.h), or none.
#pragma once

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "hostd/daemon/admission.h"
#include "hostd/daemon/api.h"
#include "hostd/http/http_call.h"
#include "hostd/images/installer.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/control/document/api_document.h"
#include "tests/unit/hostd/daemon/fake_runner.h"
#include "tests/unit/hostd/loop_bench.h"
#include "tests/unit/hostd/temporary_folder.h"

namespace kestrel::hostd {

/// What outlives a hostd.
struct Host : LoopBench {
  Host() {
    std::string head(head_size, '\0');
    head.replace(0x202, 4, "HdrS");
    folder.write("kernel", head);
  }

  [[nodiscard]] Surroundings surroundings() const {
    Surroundings all;
    all.kernel = folder.file("kernel");
    all.accel = "tcg";
    all.vms_dir = folder.file("vms");
    all.volumes_dir = folder.file("volumes");
    all.find_image = [this](const std::string& name) -> Result<Image> {
      if (name == "missing") return Error{"cannot find image missing", ENOENT};
      Image image;
      image.name = name.substr(0, name.find(':'));
      image.initramfs = folder.file(concat(name, ".cpio"));
      return image;
    };
    return all;
  }

  [[nodiscard]] std::string vm_folder(std::string_view name) const {
    return concat(folder.file("vms"), '/', name);
  }

  /// A VM that hostd knows and wants to run, as it was when the hostd before ended.
  [[nodiscard]] VmRecord running(const std::string& name, ReplicaOf replica = {}) const {
    VmRequest request;
    request.image = "site";
    request.name = name;
    auto spec = make_spec(request, surroundings());
    REQUIRE(std::holds_alternative<VmSpec>(spec));
    VmRecord vm;
    vm.name = name;
    vm.request = request;
    vm.spec = std::get<VmSpec>(std::move(spec));
    vm.replica = std::move(replica);
    vm.created = sys::wall_now();
    vm.is_wanted = true;
    vm.run.started = sys::wall_now();
    return vm;
  }
  void remember(const VmRecord& vm) const { REQUIRE(open_registry().save(vm)); }
  /// Only its record, which is all that the API shows.
  void install(const std::string& name, const std::string& version) const {
    const std::string manifest = concat(R"({"name":")", name, R"(","version":")", version, R"("})");
    const auto contents = parse_bundle_contents(manifest);
    REQUIRE(contents);
    std::filesystem::create_directories(folder.file(concat("images/manifests/", name)));
    folder.write(concat("images/manifests/", name, '/', version, ".json"),
                 make_record(manifest, *contents, mebibytes(1), sys::wall_now()));
  }
  [[nodiscard]] Registry open_registry() const {
    auto opened = Registry::open(folder.file("registry.db"));
    REQUIRE(opened);
    return std::move(*opened);
  }

  TemporaryFolder folder;
};

class DaemonBench {
 public:
  explicit DaemonBench(Host& on)
      : host(on), registry(on.open_registry()), fleet(on.loop, registry, on.surroundings()) {
    REQUIRE(fleet.open());
    REQUIRE(deployments.open());
    auto socket = sys::listen_unix(host.folder.file("hostd.sock"), 0600);
    REQUIRE(socket);
    server.listen(std::move(*socket), guard_by_peer());
  }
  ~DaemonBench() { ::unlink(host.folder.file("hostd.sock").c_str()); }

  /// The answer, which has to be as docs/openapi-hostd.yaml says.
  wire::Response ask(std::string method, std::string target, std::string body = {}) {
    wire::Request request;
    request.method = method;
    request.target = target;
    request.body = std::move(body);
    std::optional<wire::Response> answer;
    calls.ask(host.folder.file("hostd.sock"), std::move(request), seconds(20),
              [&](Result<wire::Response> response) {
                REQUIRE(response);
                answer = std::move(*response);
              });
    host.run_until([&] { return answer.has_value(); });
    REQUIRE(answer);
    INFO("an answer that docs/openapi-hostd.yaml does not describe: " << method << ' ' << target << '\n'
                                                                      << answer->body);
    CHECK(join(control::test::ApiDocument::of_hostd().complaints(method, target, *answer), "\n").empty());
    return *answer;
  }
  wire::Response get(std::string target) { return ask("GET", std::move(target)); }

  [[nodiscard]] std::string state_of(std::string_view vm) {
    return std::string(fleet.find(vm)->state_name());
  }
  void expect_state(std::string_view vm, std::string_view state) {
    host.run_until([&] { return state_of(vm) == state; });
  }
  /// The names of all events about a VM, or of all where none is named.
  [[nodiscard]] std::vector<std::string> event_names(const std::string& vm = {}) {
    std::vector<std::string> names;
    const auto events = registry.events(0, {vm, {}}, 10'000);
    REQUIRE(events);
    for (const StoredEvent& event : *events) names.push_back(nlohmann::json::parse(event.json).at("event"));
    return names;
  }

  /// In this process.
  void install(const sys::UniqueFd& archive, const ImageInstalled& done) const {
    const auto image = install_image(images, concat("/proc/self/fd/", archive.get()),
                                     [] { return Result<ImageUsers>(ImageUsers{}); });
    done(image ? Result<ImageReference>(image->reference) : Error{image.error().message, EINVAL});
  }

  Host& host;
  Registry registry;
  Fleet fleet;
  Deployments deployments{host.loop, registry, fleet};
  Waits waits{host.loop, fleet};
  Store images{host.folder.file("images")};
  ApiContext api{host.loop,
                 registry,
                 fleet,
                 deployments,
                 waits,
                 images,
                 [this](const sys::UniqueFd& archive, const ImageInstalled& done) { install(archive, done); },
                 sys::wall_now()};
  HttpServer server{host.loop,
                    {},
                    [this](const wire::Request& request, Responder responder) {
                      handle_api(api, request, std::move(responder));
                    },
                    is_api_body_in_pieces};
  HttpCalls calls{host.loop};
};

inline nlohmann::json json_of(const wire::Response& response) { return nlohmann::json::parse(response.body); }

}  // namespace kestrel::hostd
