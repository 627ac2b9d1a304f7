#include "hostd/build/fledge_file.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

const std::string site = R"([plugin]
name = "static-site"
version = "1.0.0"
description = "Static website with Caddy"

[plugin.runtime]
type = "initramfs"
build_script = "./build.sh"

[plugin.manifest]
workload.type = "http"
workload.port = 8080
workload.health_path = "/health"

resources.vcpu = 1
resources.memory_mb = 128

[plugin.manifest.env]
LOG_LEVEL = "info"
)";

/// The problems of a file, or nothing.
std::string problems_of(const std::string& text) {
  const auto plan = parse_fledge_file(text, "f.toml");
  return plan ? "" : plan.error().message;
}

}  // namespace

TEST_CASE("a fledge.toml of plugins says what to build and how it is run", "[hostd][build]") {
  const auto plan = parse_fledge_file(site, "site/fledge.toml");
  REQUIRE(plan);
  BuildPlan expected;
  expected.name = "static-site";
  expected.version = "1.0.0";
  expected.description = "Static website with Caddy";
  expected.source.kind = BuildSource::Kind::script;
  expected.source.path = "./build.sh";
  expected.folder = "site";
  expected.workload_type = "http";
  expected.workload_port = 8080;
  expected.health_path = "/health";
  expected.cpus = 1;
  expected.memory_mebibytes = 128;
  expected.env = {{"LOG_LEVEL", "info"}};
  CHECK(*plan == expected);
}

TEST_CASE("a plugin of type oci is a disk, built from what its source is", "[hostd][build]") {
  const auto plan = parse_fledge_file(
      "[plugin]\nname=\"a\"\nversion=\"1\"\n[plugin.runtime]\ntype=\"oci\"\nsource=\"Dockerfile\"\n",
      "/x/fledge.toml");
  REQUIRE(plan);
  CHECK(plan->kind == ImageKind::rootfs);
  CHECK(plan->source.kind == BuildSource::Kind::path);
  CHECK(plan->source.path == "/x/Dockerfile");
}

TEST_CASE("a disk's file system is ext4 unless another is named", "[hostd][build]") {
  const auto plan_of = [](const std::string& more) {
    return parse_fledge_file(
        "[plugin]\nname=\"a\"\nversion=\"1\"\n[plugin.runtime]\ntype=\"rootfs\"\n" + more, "fledge.toml");
  };
  CHECK(plan_of("")->disk_file_system == DiskFileSystem::ext4);
  CHECK(plan_of("filesystem=\"erofs\"")->disk_file_system == DiskFileSystem::erofs);
  CHECK(plan_of("filesystem=\"squashfs\"")->disk_file_system == DiskFileSystem::squashfs);
  CHECK(plan_of("filesystem=\"xfs\"").error().message.find("none of ext4, erofs, squashfs") !=
        std::string::npos);
}

TEST_CASE("paths in a fledge.toml count from its folder", "[hostd][build]") {
  const auto plan = parse_fledge_file(
      "[plugin]\nname=\"a\"\nversion=\"1\"\n[plugin.runtime]\ntype=\"initramfs\"\nsource=\"./"
      "tree\"\nconfig=\"c.yaml\"\n"
      "programs=[\"bin/tool:/bin/tool\", \"/bin/true\"]\n[plugin.runtime.mappings]\nsite=\"/var/www\"\n",
      "a/fledge.toml");
  REQUIRE(plan);
  CHECK(plan->source.path == "a/tree");
  CHECK(plan->config == "a/c.yaml");
  CHECK(plan->programs == std::vector<std::string>{"a/bin/tool:/bin/tool", "/bin/true"});
  CHECK(plan->mappings == std::map<std::string, std::string>{{"a/site", "/var/www"}});
}

TEST_CASE("a fledge.toml of the first version is understood, with its manifest.toml", "[hostd][build]") {
  auto plan = parse_fledge_file(R"(version = "1"
strategy = "oci_rootfs"
[agent]
source_strategy = "release"
version = "latest"
[source]
dockerfile = "./Dockerfile"
context = "."
target = ""
build_args = { FOO = "bar" }
[filesystem]
type = "ext4"
size_buffer_mb = 150
preallocate = false
[mappings]
"payload/app" = "/opt/app"
)",
                                "d/fledge.toml");
  REQUIRE(plan);
  CHECK(plan->kind == ImageKind::rootfs);
  CHECK(plan->source.kind == BuildSource::Kind::dockerfile);
  CHECK(plan->source.path == "d/Dockerfile");
  CHECK(plan->source.arguments == std::map<std::string, std::string>{{"FOO", "bar"}});
  CHECK(plan->spare_mebibytes == 150);
  CHECK(plan->mappings == std::map<std::string, std::string>{{"d/payload/app", "/opt/app"}});

  REQUIRE(add_manifest_toml(R"(schema_version = "v1"
name = "web"
version = "1.2"
runtime = "web"
[resources]
cpu_cores = 2
memory_mb = 256
[workload]
entrypoint = "/usr/bin/web"
args = ["--config", "/etc/web.yaml"]
[env]
PORT = "8080"
[network]
mode = "bridged"
[[network.expose]]
port = 8080
protocol = "tcp"
)",
                            "d/manifest.toml", *plan));
  CHECK(plan->name == "web");
  CHECK(plan->version == "1.2");
  CHECK(plan->cpus == 2U);
  CHECK(plan->memory_mebibytes == 256U);
  CHECK(plan->command == std::vector<std::string>{"/usr/bin/web", "--config", "/etc/web.yaml"});
  CHECK(plan->workload_port == 8080U);
  CHECK(check_plan(*plan));
}

TEST_CASE("all that is wrong with a fledge.toml is told with its place", "[hostd][build]") {
  CHECK(problems_of("[plugin]\nname = \"A\"\nverson = \"1\"\n[plugin.runtime]\ntype = \"iso\"\n") ==
        "f.toml:1:2: `plugin.version` is missing\n"
        "f.toml:2:1: `plugin.name` may have lower case letters, digits, `.`, `_` and `-`\n"
        "f.toml:3:1: unknown key `plugin.verson`, did you mean `version`?\n"
        "f.toml:5:1: `plugin.runtime.type` is `iso`, which is none of initramfs, oci, rootfs");
  CHECK(problems_of("[plugin]\nname = \"a\"\nname = \"b\"\n").starts_with("f.toml:3:"));
  CHECK(problems_of("x = 1\n") == "f.toml:1:1: it has neither [plugin] nor `strategy`");
}

TEST_CASE("a value of another type, or beyond its limits, is told", "[hostd][build]") {
  const auto [line, cause] = GENERATE(table<std::string, std::string>({
      {"workload.port = 65536", "`plugin.manifest.workload.port` is not a number from 1 to 65535"},
      {"workload.port = \"80\"", "`plugin.manifest.workload.port` is not a number from 1 to 65535"},
      {"workload.type = 1", "`plugin.manifest.workload.type` is not text"},
      {"workload = 1", "`plugin.manifest.workload` is not a table"},
      {"env.A = 1", "`plugin.manifest.env.A` is not text"},
      {"resources.vcpus = 1", "unknown key `plugin.manifest.resources.vcpus`, did you mean `vcpu`?"},
  }));
  CHECK(problems_of("[plugin]\nname=\"a\"\nversion=\"1\"\nruntime.type=\"initramfs\"\n[plugin.manifest]\n" +
                    line)
            .find(cause) != std::string::npos);
}

TEST_CASE("what would need another init, or a download, is refused by name", "[hostd][build]") {
  const std::string top = "version = \"1\"\nstrategy = \"initramfs\"\n";
  CHECK(problems_of(top + "[init]\nnone = true\n") ==
        "f.toml:4:1: `init.none` is not supported: kestrel is the image's init, and starts what its config "
        "names");
  CHECK(problems_of(top + "[source]\nbusybox_url = \"https://x\"\n")
            .starts_with("f.toml:4:1: `source.busybox_url`"));
}
