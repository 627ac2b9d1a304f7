#include "hostd/vm_spec.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

VmSpec good_spec() {
  VmSpec spec;
  spec.name = "site";
  spec.kernel = "/boot/vmlinuz";
  spec.initramfs = "/images/site/initramfs.cpio.zst";
  spec.program = default_vmm;
  spec.runtime_dir = "/run/kestrel/vms/site";
  return spec;
}

}  // namespace

TEST_CASE("a published port is read in all its forms", "[hostd]") {
  const auto [text, port] = GENERATE(table<std::string, PublishedPort>({
      {"8080:80", {"127.0.0.1", 8080, 80}},
      {"0.0.0.0:8080:80", {"0.0.0.0", 8080, 80}},
      {"[::1]:8080:80", {"::1", 8080, 80}},
      {"0:80", {"127.0.0.1", 0, 80}},
  }));
  const auto parsed = parse_published_port(text);
  REQUIRE(parsed);
  CHECK(*parsed == port);
  CHECK(*parse_published_port(format_published_port(port)) == port);
}

TEST_CASE("a wrong published port is refused with what is wrong about it", "[hostd]") {
  const auto [text, cause] = GENERATE(table<std::string, std::string>({
      {"8080", "it is not [ADDRESS:]HOST:GUEST"},
      {"x:80", "its host port is not a number from 0 to 65535"},
      {"65536:80", "its host port is not a number from 0 to 65535"},
      {"8080:0", "its guest port is not a number from 1 to 65535"},
      {"8080:80/tcp", "its guest port is not a number from 1 to 65535"},
      {"localhost:8080:80", "its address is not a numeric IPv4 or [IPv6] address"},
  }));
  const auto parsed = parse_published_port(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == "cannot publish `" + text + "`: " + cause);
}

TEST_CASE("a VM's name can be a folder's and nothing else", "[hostd]") {
  for (const auto* name : {"site", "a", "Site-2.1_x", "0"}) CHECK(is_vm_name(name));
  for (const auto* name : {"", ".", "..", ".a", "-a", "a/b", "a b", "käse"}) CHECK_FALSE(is_vm_name(name));
  CHECK(is_vm_name(std::string(40, 'a')));
  CHECK_FALSE(is_vm_name(std::string(41, 'a')));
}

TEST_CASE("a good spec has no problems", "[hostd]") { CHECK(problems_of(good_spec()).empty()); }

TEST_CASE("all problems of a spec are told at once", "[hostd]") {
  VmSpec spec = good_spec();
  spec.name = "a/b";
  spec.kernel = "vmlinuz";
  spec.memory = mebibytes(1);
  spec.cpus = 0;
  spec.env["A=B"] = "";
  spec.ports = {{"127.0.0.1", 8080, 80}, {"127.0.0.1", 8080, 81}};
  CHECK(problems_of(spec).size() == 6);
}

TEST_CASE("a port that the host may choose can be published twice", "[hostd]") {
  VmSpec spec = good_spec();
  spec.ports = {{"127.0.0.1", 0, 80}, {"127.0.0.1", 0, 81}};
  CHECK(problems_of(spec).empty());
}

TEST_CASE("user-data is text in UTF-8 of at most 64 KiB", "[hostd]") {
  VmSpec spec = good_spec();
  spec.user_data = std::string(64 * 1024, '\n');
  CHECK(problems_of(spec).empty());
  spec.user_data += "\n";
  CHECK(problems_of(spec) == std::vector<std::string>{"the user-data is larger than 64 KiB"});
  spec.user_data = GENERATE("\x01", "caf\xe9", "\x7f");
  CHECK(problems_of(spec) == std::vector<std::string>{"the user-data is no text in UTF-8"});
}

TEST_CASE("a volume's disk must not have the serial of another", "[hostd]") {
  VmSpec spec = good_spec();
  spec.disks = {{{"/d", DiskFormat::raw}, false, "data", {}}};
  spec.volumes = {{"data", "/data", mebibytes(64), "/v/data.raw"}};
  CHECK(problems_of(spec) == std::vector<std::string>{"two disks have the serial data"});
}

TEST_CASE("a spec survives vm.json", "[hostd]") {
  VmSpec spec = good_spec();
  spec.append = "quiet";
  spec.has_virtio_console = true;
  spec.memory = mebibytes(512);
  spec.cpus = 2;
  spec.accel = Accel::tcg;
  spec.vsock = VsockDevice::native;
  spec.boot_timeout = seconds(7);
  spec.env = {{"A", "1"}, {"B", "x=\"y\""}};
  spec.image_env = {{"A", "0"}};
  spec.ports = {{"::1", 8080, 80}};
  spec.disks = {{{"/d/data.img", DiskFormat::raw}, true, "data", {}},
                {{"/d/root.qcow2", DiskFormat::qcow2}, false, "", DiskFile{"/i/base.raw", DiskFormat::raw}}};
  spec.volumes = {{"keep", "/keep", mebibytes(64), "/v/keep.raw"}};
  spec.network = {NetworkSpec::Kind::bridge, "br0"};
  spec.hostname = "api";
  spec.user_data = "#cloud-config\nhostname: \"é\"\n";
  spec.logs = {kibibytes(256), 5};
  const auto parsed = parse_vm_spec(to_json(spec));
  REQUIRE(parsed);
  CHECK(*parsed == spec);
}

TEST_CASE("what a vm.json leaves out keeps its default, and what it adds is ignored", "[hostd]") {
  const auto parsed = parse_vm_spec(R"({"name":"a","colour":"red"})");
  REQUIRE(parsed);
  CHECK(parsed->memory == mebibytes(256));
  CHECK(parsed->program == default_vmm);
}

TEST_CASE("a wrong vm.json is refused by the member that is wrong", "[hostd]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", "cannot read VM spec: it is not a JSON object"},
      {"[]", "cannot read VM spec: it is not a JSON object"},
      {R"({"cpus":-1})", "cannot read VM spec: `cpus` has a wrong type or is out of range"},
      {R"({"cpus":99999999999})", "cannot read VM spec: `cpus` has a wrong type or is out of range"},
      {R"({"env":{"A":1}})", "cannot read VM spec: `env` has a wrong type or is out of range"},
      {R"({"ports":[{"host":70000}]})", "cannot read VM spec: `ports` has a wrong type or is out of range"},
      {R"({"disks":[{"format":"vmdk"}]})",
       "cannot read VM spec: `disks` has a wrong type or is out of range"},
      {R"({"disks":[{"base":{"path":1}}]})",
       "cannot read VM spec: `disks` has a wrong type or is out of range"},
      {R"({"volumes":[{"size_bytes":"1G"}]})",
       "cannot read VM spec: `volumes` has a wrong type or is out of range"},
      {R"({"network":"host"})",
       "cannot read VM spec: cannot use network `host`: it is none of none, user, bridge=NAME"},
      {R"({"accel":"hvf"})",
       "cannot read VM spec: cannot use accelerator `hvf`: it is none of auto, kvm, tcg"},
      {R"({"vsock":"kernel"})",
       "cannot read VM spec: cannot use vsock device `kernel`: it is none of auto, native, user"},
  }));
  const auto parsed = parse_vm_spec(text);
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == message);
}
