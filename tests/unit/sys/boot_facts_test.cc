#include <sys/resource.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/boot.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/entropy.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/kernel_command_line.h"
#include "kestrel/sys/modules.h"
#include "kestrel/sys/mounts.h"
#include "kestrel/sys/network.h"
#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

// --- the kernel's command line ----------------------------------------------------------------------------

TEST_CASE("parameters have keys and values, flags an empty value", "[sys]") {
  CHECK(parse_kernel_command_line("console=hvc0 quiet kestrel.link=vsock:2:1024\n") ==
        KernelParameters{{"console", "hvc0"}, {"quiet", ""}, {"kestrel.link", "vsock:2:1024"}});
}

TEST_CASE("only the first equals sign parts key and value", "[sys]") {
  CHECK(parse_kernel_command_line("root=UUID=12-34").at("root") == "UUID=12-34");
}

TEST_CASE("the last of several values wins", "[sys]") {
  CHECK(parse_kernel_command_line("a=1 a=2").at("a") == "2");
}

TEST_CASE("quotes hold white space together, around a value or a whole parameter", "[sys]") {
  CHECK(parse_kernel_command_line("a=\"one two\" \"b=three four\" c") ==
        KernelParameters{{"a", "one two"}, {"b", "three four"}, {"c", ""}});
}

TEST_CASE("an odd command line is read as far as it makes sense", "[sys]") {
  CHECK(parse_kernel_command_line("").empty());
  CHECK(parse_kernel_command_line(" \t\n ").empty());
  CHECK(parse_kernel_command_line("= =x \"\" \"").empty());
  CHECK(parse_kernel_command_line("a=\"open end") == KernelParameters{{"a", "open end"}});
  CHECK(parse_kernel_command_line("a=") == KernelParameters{{"a", ""}});
}

// --- modules ----------------------------------------------------------------------------------------------

TEST_CASE("a module list has a path and its parameters a line, in order", "[sys]") {
  CHECK(parse_module_list("# the transport first\n/lib/modules/6.1/virtio.ko\n\n"
                          "  lib/x.ko.xz  debug=1 name=a \r\n") ==
        std::vector<Module>{{"lib/modules/6.1/virtio.ko", ""}, {"lib/x.ko.xz", "debug=1 name=a"}});
  CHECK(parse_module_list("").empty());
}

TEST_CASE("a missing module list is an empty one, a missing module a failure that does not stop the others",
          "[sys]") {
  test::TemporaryFolder root;
  CHECK(load_modules(root.path(), "/list").empty());
  root.write("list", "/a.ko\n/b.ko\n");
  const auto failures = load_modules(root.path(), "/list");
  REQUIRE(failures.size() == 2);
  CHECK(failures[0].message == "cannot open module " + root.path("a.ko") + ": No such file or directory");
  CHECK(failures[1].message.find("b.ko") != std::string::npos);
}

// --- mounts -----------------------------------------------------------------------------------------------

constexpr std::string_view mount_info =
    "22 1 254:0 / / rw,relatime - ext4 /dev/root rw\n"
    "23 22 0:21 / /proc rw,nosuid shared:5 - proc proc rw\n"
    "24 22 0:22 / /var/lib/my\\040data\\134x rw - ext4 /dev/vdb rw\n"
    "broken line\n"
    "25 24 0:23 / /var/lib/my\\040data\\134x/inner rw master:1 propagate_from:2 - xfs /dev/vdc rw\n"
    "26 22 0:24 / /run rw - tmpfs tmpfs rw\n";

TEST_CASE("mount points are read with their escapes and optional fields", "[sys]") {
  CHECK(parse_mount_info(mount_info) == std::vector<MountPoint>{{"/", "ext4"},
                                                                {"/proc", "proc"},
                                                                {"/var/lib/my data\\x", "ext4"},
                                                                {"/var/lib/my data\\x/inner", "xfs"},
                                                                {"/run", "tmpfs"}});
  CHECK(parse_mount_info("1 2 3 - ").empty());
  CHECK(parse_mount_info("").empty());
}

TEST_CASE("what holds data is unmounted in the reverse order of mounting, the root never", "[sys]") {
  CHECK(to_unmount(parse_mount_info(mount_info)) ==
        std::vector<std::string>{"/var/lib/my data\\x/inner", "/var/lib/my data\\x"});
}

TEST_CASE("what the root is made of is not unmounted under it", "[sys]") {
  CHECK(to_unmount({{"/", "overlay"}, {"/run/kestrel/root/writes", "ext4"}, {"/data", "ext4"}}) ==
        std::vector<std::string>{"/data"});
}

TEST_CASE("what every guest needs is mounted parents first", "[sys]") {
  std::vector<std::string> seen;
  for (const EarlyMount& entry : early_mounts()) {
    const std::string target = entry.target;
    for (const std::string& earlier : seen) CHECK_FALSE(earlier.starts_with(target + "/"));
    seen.push_back(target);
  }
  CHECK(seen.size() == 8);
}

// --- this boot and this machine ---------------------------------------------------------------------------

TEST_CASE("the boot's id is told without its newline", "[sys]") {
  test::TemporaryFolder proc;
  proc.write("sys/kernel/random/boot_id", "6c1a-77\n");
  CHECK(boot_id(proc.path()).value() == "6c1a-77");
  CHECK_FALSE(boot_id(proc.path("none")));
}

TEST_CASE("the uptime counts suspended time too", "[sys]") {
  CHECK(uptime() >= monotonic_now().time_since_epoch() - seconds(1));
}

TEST_CASE("an interface that does not exist is an error that names it", "[sys]") {
  CHECK(bring_up_interface("none0").error().message == "cannot bring up interface none0: No such device");
  CHECK_FALSE(bring_up_interface(""));
  CHECK_FALSE(bring_up_interface(std::string(40, 'x')));
}

TEST_CASE("a seed without or with too many bytes is refused", "[sys]") {
  CHECK_FALSE(credit_entropy(""));
  CHECK_FALSE(credit_entropy(std::string(most_entropy.count + 1, 'x')));
}

TEST_CASE("a hostname beyond 64 bytes is refused", "[sys]") {
  const std::string before = hostname();
  CHECK_FALSE(set_hostname(std::string(65, 'x')));
  CHECK(hostname() == before);
}

}  // namespace
}  // namespace kestrel::sys
