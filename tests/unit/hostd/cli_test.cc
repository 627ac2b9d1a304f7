#include <fcntl.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <thread>

#include "hostd/cli/failure.h"
#include "hostd/cli/pause_commands.h"
#include "hostd/cli/query_commands.h"
#include "hostd/cli/run_options.h"
#include "hostd/cli/run_view.h"
#include "hostd/cli/vm_reports.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string fake_kernel(const TemporaryFolder& folder) {
  return folder.write("kernel",
                      "\x7f"
                      "ELF");
}

RunOptions options_for(const TemporaryFolder& folder) {
  RunOptions options;
  options.vm.image = folder.write("site.cpio", "070701");
  options.vm.kernel = fake_kernel(folder);
  return options;
}

}  // namespace

TEST_CASE("options win over the image, which wins over defaults", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("i.cpio", "070701");
  folder.write(
      "manifest.json",
      R"({"initramfs":"i.cpio","resources":{"vcpu":2,"memory_mb":128},"env":{"A":"image","B":"image"}})");
  RunOptions options;
  options.vm.image = folder.path();
  options.vm.kernel = fake_kernel(folder);
  options.vm.memory = "512M";
  options.env = {"A=option"};
  options.vm.ports = {"8080:80"};
  options.vm.name = "site";
  options.user_data_file = folder.write("user-data", "#cloud-config\n");
  const auto made = make_spec(options);
  REQUIRE(std::holds_alternative<VmSpec>(made));
  const auto& spec = std::get<VmSpec>(made);
  CHECK(spec.memory == mebibytes(512));
  CHECK(spec.cpus == 2);
  CHECK(spec.env == std::map<std::string, std::string>{{"A", "option"}});
  CHECK(spec.image_env == std::map<std::string, std::string>{{"A", "image"}, {"B", "image"}});
  CHECK(spec.ports == std::vector<PublishedPort>{{"127.0.0.1", 8080, 80}});
  CHECK(spec.user_data == "#cloud-config\n");
  CHECK(spec.runtime_dir.ends_with("/vms/site"));
}

TEST_CASE("the environment says which network a VM has of which nobody says otherwise", "[hostd]") {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder);
  ::setenv("KESTREL_NETWORK", "bridge=br7", 1);
  const auto by_default = make_spec(options);
  options.vm.network = "none";
  const auto wanted = make_spec(options);
  ::unsetenv("KESTREL_NETWORK");
  CHECK(format(std::get<VmSpec>(by_default).network) == "bridge=br7");
  CHECK(format(std::get<VmSpec>(wanted).network) == "none");
  CHECK(format(std::get<VmSpec>(make_spec(options)).network) == "none");
}

TEST_CASE("the console is virtio's only with the kernel that the image says it of", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("i.cpio", "070701");
  const std::string kernel = fake_kernel(folder);
  folder.write("manifest.json",
               concat(R"({"initramfs":"i.cpio","console":"hvc0","kernel":")", kernel, "\"}"));
  RunOptions options;
  options.vm.image = folder.path();
  CHECK(std::get<VmSpec>(make_spec(options)).has_virtio_console);
  options.vm.kernel = kernel;
  CHECK_FALSE(std::get<VmSpec>(make_spec(options)).has_virtio_console);
}

TEST_CASE("a root that is only read is shared as it is, and a volume at / is for the guest to lay over it",
          "[hostd]") {
  const TemporaryFolder folder;
  folder.write("i.cpio", "070701");
  folder.write("manifest.json",
               R"({"initramfs":"i.cpio","rootfs":"r","rootfs_format":"raw","rootfs_type":"erofs"})");
  RunOptions options;
  options.vm.image = folder.path();
  options.vm.kernel = fake_kernel(folder);
  auto made = make_spec(options);
  REQUIRE(std::holds_alternative<VmSpec>(made));
  const auto& spec = std::get<VmSpec>(made);
  CHECK(spec.disks == std::vector<Disk>{{{folder.file("r"), DiskFormat::raw}, true, "rootfs", {}}});
  CHECK(spec.append == "root=rootfs kestrel.overlay");
  options.vm.volumes = {"data:/:64M"};
  made = make_spec(options);
  REQUIRE(std::holds_alternative<VmSpec>(made));
  CHECK(std::get<VmSpec>(made).append == "root=rootfs kestrel.overlay=data");
  CHECK(std::get<VmSpec>(made).volumes.front().target.empty());
}

TEST_CASE("a volume at / is refused where the root is not only read", "[hostd]") {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder);
  options.vm.volumes = {"data:/:64M"};
  CHECK(std::get<Outcome>(make_spec(options)).message ==
        "a volume can be at / only where the image's root is only read (erofs, squashfs)");
}

TEST_CASE("each wrong option is refused as a wrong command line", "[hostd]") {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder);
  SECTION("memory") { options.vm.memory = "much"; }
  SECTION("port") { options.vm.ports = {"x"}; }
  SECTION("variable") { options.env = {"=x"}; }
  SECTION("accelerator") { options.vm.accel = "fast"; }
  SECTION("vsock device") { options.vm.vsock = "kernel"; }
  SECTION("time") { options.vm.boot_timeout = "soon"; }
  SECTION("cloud-init") { options.user_data_file = folder.file("none"); }
  SECTION("name") { options.vm.name = "a/b"; }
  const auto made = make_spec(options);
  REQUIRE(std::holds_alternative<Outcome>(made));
  CHECK(std::get<Outcome>(made).status == to_status(ExitCode::usage));
}

TEST_CASE("a missing image and a missing kernel have statuses of their own", "[hostd]") {
  const TemporaryFolder folder;
  RunOptions options = options_for(folder);
  SECTION("image") {
    options.vm.image = folder.file("none");
    CHECK(std::get<Outcome>(make_spec(options)).status == to_status(ExitCode::image_broken));
  }
  SECTION("kernel") {
    options.vm.kernel = folder.file("none");
    CHECK(std::get<Outcome>(make_spec(options)).status == to_status(ExitCode::kernel_missing));
  }
}

TEST_CASE("variables come from options, files and the environment", "[hostd]") {
  ::setenv("KESTREL_TEST_VARIABLE", "own", 1);
  CHECK(*parse_variable("A=b=c") == std::pair<std::string, std::string>("A", "b=c"));
  CHECK(*parse_variable("A=") == std::pair<std::string, std::string>("A", ""));
  CHECK(parse_variable("KESTREL_TEST_VARIABLE")->second == "own");
  CHECK_FALSE(parse_variable("KESTREL_TEST_NO_SUCH"));
  CHECK_FALSE(parse_variable("=x"));
  CHECK(*parse_env_file("# comment\n\nA=1\n  B=2 \n") ==
        std::map<std::string, std::string>{{"A", "1"}, {"B", "2"}});
}

TEST_CASE("a VM's name is made of its image's", "[hostd]") {
  CHECK(name_from("static-site") == "static-site");
  CHECK(name_from("my image:1") == "my-image-1");
  CHECK(name_from("") == "vm");
  CHECK(name_from("..") == "vm");
}

TEST_CASE("the end of a VM is told with what is known and the way out", "[hostd]") {
  CHECK(describe_end("site", {}, {}).empty());
  CHECK(describe_end("job", {7, "", {}}, {}) == "kestrelctl: job ended with status 7\n");
  CHECK(describe_end("site", {78, "the guest's config is wrong: 1 problem", {"config.yaml:1:2: x"}}, {}) ==
        "kestrelctl: cannot run site: the guest's config is wrong: 1 problem\nconfig.yaml:1:2: x\n");
  const std::string panic =
      describe_end("site", {119, "the guest's kernel panicked: x", {}}, {"[ 1.0] \x1b[31mlast"});
  CHECK(panic.find("console: [ 1.0] ") != std::string::npos);
  CHECK(panic.find('\x1b') == std::string::npos);
  CHECK(panic.find("\nhint: ") != std::string::npos);
}

TEST_CASE("reports show what is there and survive what is not", "[hostd]") {
  const auto now = parse_time("2026-01-31T12:00:10.000Z").value();
  CHECK(report_status(R"({"name":"site","state":"healthy","boot":[{"step":"vm","at_ms":1500}]})", now));
  CHECK_FALSE(report_status("nonsense", now));
  CHECK(report_list({{"a", "ended", ""}}, now).find("a      ended") != std::string::npos);
}

TEST_CASE("a detached VM's progress survives its pipe", "[hostd]") {
  const auto step = parse_pipe_message(R"({"step":"healthy","at_ms":1500})");
  REQUIRE(step);
  CHECK(parse_step(step->step) == Step::healthy);
  CHECK(step->at == milliseconds(1500));
  const auto ended =
      parse_pipe_message(R"({"ended":{"status":7,"message":"","details":[]},"console":["x"]})");
  REQUIRE(ended);
  CHECK(ended->ended->status == 7);
  CHECK(ended->console.size() == 1);
  CHECK_FALSE(parse_pipe_message("x"));
}

TEST_CASE("a VM that ends by itself while it is being stopped is stopped, and its folder removed",
          "[hostd]") {
  const TemporaryFolder folder;
  ::setenv("KESTREL_RUNTIME_DIR", folder.path().c_str(), 1);
  REQUIRE(RuntimeDir::claim(vm_dir("site")));  // and let go of at once
  auto runner = sys::listen_unix(concat(vm_dir("site"), '/', runner_socket), 0600);
  REQUIRE(runner);
  ::fcntl(runner->get(), F_SETFL, 0);  // accept() waits
  std::thread ending([&] {
    const sys::UniqueFd caller(::accept(runner->get(), nullptr, nullptr));
    runner->reset();
  });
  CHECK(stop_command("site", {.is_forced = false, .removes = true}) == 0);
  ending.join();
  CHECK_FALSE(folder.has("vms/site"));
  ::unsetenv("KESTREL_RUNTIME_DIR");
}

TEST_CASE("a reader goes on behind a number, of one run or of any", "[hostd]") {
  REQUIRE(parse_resume_point("17"));
  CHECK(parse_resume_point("17")->seq == 17);
  CHECK(parse_resume_point("17")->runtime_id.empty());
  REQUIRE(parse_resume_point("ab12:0"));
  CHECK(parse_resume_point("ab12:0")->runtime_id == "ab12");
  CHECK(parse_resume_point("ab12:0")->seq == 0);
  const auto* wrong = GENERATE("", ":", ":3", "ab:", "-1", "ab:-1", "x");
  CHECK_FALSE(parse_resume_point(wrong));
}

TEST_CASE("a resume is told with what the guest made of it", "[hostd]") {
  CHECK(report_resume("db", R"({"paused_ms":3020,"guest":{"clock_error_ms":-3019.6,"clock_set":true}})")
            .value() == "db goes on after 3.02s; its clock was 3.02s slow and is set\n");
  CHECK(report_resume("db", R"({"paused_ms":20,"guest":{"clock_error_ms":1,"clock_set":false}})").value() ==
        "db goes on after 0.02s\n");
  CHECK(report_resume("db", R"({"paused_ms":3020,"guest":null})").value() ==
        "db goes on after 3.02s; its guest does not say what it makes of that\n");
  CHECK(report_resume("db", R"({"paused_ms":0,"guest":null})").value() == "db was not paused\n");
  CHECK_FALSE(report_resume("db", "[]"));
}
