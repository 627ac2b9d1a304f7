// What concerns a guest as a whole: sysctl, modules by name, mounts, the network. Here it is what can be
// known without changing this machine; tests/vm does the rest.
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "kestrel/sys/clock.h"
#include "kestrel/sys/ip_parameter.h"
#include "kestrel/sys/module_index.h"
#include "kestrel/sys/mount_request.h"
#include "kestrel/sys/network.h"
#include "kestrel/sys/sysctl.h"
#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

// --- sysctl -----------------------------------------------------------------------------------------------
TEST_CASE("a sysctl's dots become slashes, and its slashes dots", "[sys]") {
  CHECK(sysctl_path("net.core.somaxconn").value() == "net/core/somaxconn");
  CHECK(sysctl_path("net.ipv4.conf.eth0/100.forwarding").value() == "net/ipv4/conf/eth0.100/forwarding");
  CHECK(sysctl_path("net/ipv4/conf/eth0.100/forwarding").value() == "net/ipv4/conf/eth0.100/forwarding");
}

TEST_CASE("a sysctl that would lead out of /proc/sys is refused", "[sys]") {
  for (const char* name : {"", ".", "..", "net..core", "/etc/passwd", "net/../../x", "net.", ".net"})
    CHECK_FALSE(sysctl_path(name));
}

TEST_CASE("a sysctl is written, and one that the kernel lacks is named", "[sys]") {
  test::TemporaryFolder folder;
  folder.write("vm/swappiness", "");
  CHECK(set_sysctl(folder.path(), "vm.swappiness", "10"));
  CHECK(folder.read("vm/swappiness") == "10");
  const auto missing = set_sysctl(folder.path(), "vm.swapiness", "10");
  REQUIRE_FALSE(missing);
  CHECK(missing.error().message == "cannot set sysctl vm.swapiness: this kernel has none of that name");
}

// --- modules ----------------------------------------------------------------------------------------------
constexpr std::string_view modules_dep =
    "kernel/lib/libcrc32c.ko:\n"
    "kernel/net/netfilter/nf_tables.ko: kernel/net/netfilter/nfnetlink.ko kernel/lib/libcrc32c.ko\n"
    "kernel/sound/snd-pcm.ko.xz: kernel/sound/snd.ko.xz\n";

TEST_CASE("a module is loaded after what it needs", "[sys]") {
  using Files = std::vector<std::string>;
  CHECK(files_in_load_order(modules_dep, "nf_tables") == Files{"kernel/lib/libcrc32c.ko",
                                                               "kernel/net/netfilter/nfnetlink.ko",
                                                               "kernel/net/netfilter/nf_tables.ko"});
  CHECK(files_in_load_order(modules_dep, "libcrc32c") == Files{"kernel/lib/libcrc32c.ko"});
  CHECK_FALSE(files_in_load_order(modules_dep, "nfnetlink"));
  CHECK_FALSE(files_in_load_order("", "nf_tables"));
}

TEST_CASE("hyphens and underscores are the same in a module's name", "[sys]") {
  CHECK(files_in_load_order(modules_dep, "snd_pcm"));
  CHECK(files_in_load_order(modules_dep, "snd-pcm"));
  CHECK(module_name("kernel/sound/snd-pcm.ko.xz") == "snd_pcm");
}

TEST_CASE("a module that is loaded or built in is no failure, one that is nowhere is", "[sys]") {
  test::TemporaryFolder root;
  root.write("sys/module/dummy/refcnt", "0");
  root.write("lib/modules/6.1/modules.builtin", "kernel/fs/ext4/ext4.ko\n");
  CHECK(load_module_by_name(root.path(), "6.1", "dummy"));
  CHECK(load_module_by_name(root.path(), "6.1", "ext4"));
  const auto nowhere = load_module_by_name(root.path(), "6.1", "no-such");
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message ==
        "cannot load module no-such: it is neither in /lib/modules/6.1/modules.dep nor in "
        "/lib/modules/kestrel.order");
}

TEST_CASE("a module is looked for in modules.dep and then in the image's list", "[sys]") {
  test::TemporaryFolder root;
  root.write("lib/modules/6.1/modules.dep", "kernel/a.ko:\n");
  root.write("lib/modules/kestrel.order", "/lib/modules/6.1/kernel/b.ko\n");
  const auto message = [&](const char* name) {
    return load_module_by_name(root.path(), "6.1", name).error().message;
  };
  CHECK(message("a").find("lib/modules/6.1/kernel/a.ko: No such file") != std::string::npos);
  CHECK(message("b").find("lib/modules/6.1/kernel/b.ko: No such file") != std::string::npos);
}

// --- mounts -----------------------------------------------------------------------------------------------
TEST_CASE("mount options are the kernel's flags, and the rest is the file system's", "[sys]") {
  CHECK(parse_mount_options({"ro,nosuid", "size=64M", "mode=0755", "x-initrd.mount", "defaults"}) ==
        MountOptions{MS_RDONLY | MS_NOSUID, "size=64M,mode=0755", false, false});
  CHECK(parse_mount_options({"rbind", "nofail"}) == MountOptions{MS_REC, "", true, true});
  CHECK(parse_mount_options({"ro", "noexec", "rw"}) == MountOptions{MS_NOEXEC, "", false, false});
  CHECK(parse_mount_options({}) == MountOptions{});
}

TEST_CASE("a volume is the disk whose serial number is its name", "[sys]") {
  test::TemporaryFolder block;
  block.write("vda/serial", "root\n");
  block.write("vdb/serial", "data");
  block.write("loop0/size", "0");
  CHECK(find_volume(block.path(), "data") == "/dev/vdb");
  CHECK_FALSE(find_volume(block.path(), "dat"));
  CHECK_FALSE(find_volume("/nonexistent", "data"));
  CHECK(has_disk(block.path()));
  CHECK_FALSE(has_disk("/nonexistent"));
}

TEST_CASE("what is a file or memory is no disk", "[sys]") {
  test::TemporaryFolder block;
  block.write("loop0/size", "0");
  block.write("zram0/size", "0");
  CHECK_FALSE(has_disk(block.path()));
}

TEST_CASE("the file systems that need a device are told from those that do not", "[sys]") {
  CHECK(device_file_systems("nodev\tproc\nnodev\ttmpfs\n\text4\n\tvfat\n") ==
        std::vector<std::string>{"ext4", "vfat"});
}

TEST_CASE("a device that does not appear in time is named with where it was to be mounted", "[sys]") {
  const auto mounted = mount({"/dev/no-such-disk", "/nonexistent", "ext4", {}}, monotonic_now());
  REQUIRE_FALSE(mounted);
  CHECK(mounted.error().message ==
        "cannot mount /dev/no-such-disk on /nonexistent: the device did not appear");
}

TEST_CASE("a bind of what does not exist is refused", "[sys]") {
  const auto mounted = mount({"/nonexistent", "/nonexistent2", "bind", {}}, monotonic_now());
  REQUIRE_FALSE(mounted);
  CHECK(mounted.error().message ==
        "cannot mount /nonexistent on /nonexistent2: cannot find the source: No such file or directory");
  CHECK(::access("/nonexistent2", F_OK) < 0);
}

// --- network ----------------------------------------------------------------------------------------------
TEST_CASE("ip= gives an address, a gateway, name servers and a hostname", "[sys]") {
  const auto ip = parse_ip_parameter(
      "192.168.3.2:192.168.3.1:192.168.3.254:255.255.255.128:api:eth1:off:9.9.9.9:1.1.1.1:192.168.3.1");
  REQUIRE(ip);
  CHECK(format(ip->address.value()) == "192.168.3.2/25");
  CHECK(format(ip->gateway.value()) == "192.168.3.254");
  REQUIRE(ip->name_servers.size() == 2);
  CHECK(format(ip->name_servers[1]) == "1.1.1.1");
  CHECK(ip->hostname == "api");
  CHECK(ip->interface == "eth1");
  CHECK_FALSE(ip->needs_autoconfiguration);
}

TEST_CASE("without a netmask in ip= the address has that of its class", "[sys]") {
  CHECK(parse_ip_parameter("10.0.0.2")->address->prefix == 8);
  CHECK(parse_ip_parameter("172.16.0.2::172.16.0.1")->address->prefix == 16);
  CHECK(parse_ip_parameter("192.168.3.2:::::eth0")->address->prefix == 24);
  CHECK_FALSE(parse_ip_parameter("224.0.0.1"));
}

TEST_CASE("ip= without an address asks for automatic configuration unless that is turned off", "[sys]") {
  for (const char* text : {"dhcp", "on", "any", "both", ":::::eth0:dhcp", ":::::eth0", "0.0.0.0"})
    CHECK(parse_ip_parameter(text)->needs_autoconfiguration);
  for (const char* text : {"off", "none", ":::::eth0:off", "10.0.0.2:::::eth0:dhcp"})
    CHECK_FALSE(parse_ip_parameter(text)->needs_autoconfiguration);
}

TEST_CASE("an ip= that makes no sense is refused with what is wrong in it", "[sys]") {
  CHECK(parse_ip_parameter("10.0.0").error().message == "cannot read ip=10.0.0: 10.0.0 is no address");
  CHECK_FALSE(parse_ip_parameter("10.0.0.2::gateway"));
  CHECK_FALSE(parse_ip_parameter("10.0.0.2:::255.0.255.0"));
  CHECK_FALSE(parse_ip_parameter("10.0.0.2:::::eth0:sometimes"));
  CHECK_FALSE(parse_ip_parameter("10.0.0.2:::::::9.9.9"));
}

TEST_CASE("name servers replace a file or a link, and the link's target stays", "[sys]") {
  test::TemporaryFolder folder;
  folder.write("stub", "nameserver 127.0.0.53\n");
  REQUIRE(::symlink("stub", folder.path("resolv.conf").c_str()) == 0);
  const std::vector servers = {parse_ip_address("9.9.9.9").value(), parse_ip_address("fd00::1").value()};
  CHECK(write_name_servers(folder.path("resolv.conf"), servers));
  CHECK(folder.read("resolv.conf") == "nameserver 9.9.9.9\nnameserver fd00::1\n");
  CHECK(folder.read("stub") == "nameserver 127.0.0.53\n");
}

TEST_CASE("names without a dot are looked up in the domain that is given", "[sys]") {
  test::TemporaryFolder folder;
  const std::vector servers = {parse_ip_address("9.9.9.9").value()};
  CHECK(write_name_servers(folder.path("resolv.conf"), servers, "example.org"));
  CHECK(folder.read("resolv.conf") == "search example.org\nnameserver 9.9.9.9\n");
}

TEST_CASE("only an Ethernet with a device behind it is a network card", "[sys]") {
  test::TemporaryFolder sys;
  CHECK(first_network_card(sys.path()).error().code == ENODEV);
  sys.write("class/net/lo/device", "");  // the one interface that every machine has, and no Ethernet
  CHECK(first_network_card(sys.path()).error().code == ENODEV);
  CHECK(mac_address("lo").error().code == EPROTOTYPE);
  CHECK(mac_address("no-such-card").error().code == ENODEV);
}

}  // namespace
}  // namespace kestrel::sys
