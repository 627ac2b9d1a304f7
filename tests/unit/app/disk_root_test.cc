#include "kestrel/app/disk_root.h"

#include <catch2/catch.hpp>

namespace kestrel::app {
namespace {

std::optional<DiskRoot> root_of(std::string_view command_line) {
  return disk_root_of(sys::parse_kernel_command_line(command_line));
}

TEST_CASE("without root= there is no disk to go to", "[app]") {
  CHECK_FALSE(root_of("console=hvc0 rw"));
  CHECK_FALSE(root_of("root= rw"));
}

TEST_CASE("root= is mounted with the flags that the kernel would give it", "[app]") {
  const auto root = root_of("root=/dev/vda rootfstype=ext4 rootflags=noatime,discard rw");
  REQUIRE(root);
  CHECK(root->mount.source == "/dev/vda");
  CHECK(root->mount.type == "ext4");
  CHECK(root->mount.options == std::vector<std::string>{"noatime,discard", "rw"});
  CHECK_FALSE(root->waits_for_ever);
}

TEST_CASE("a root is read-only unless it is said to be otherwise", "[app]") {
  CHECK(root_of("root=/dev/vda")->mount.options == std::vector<std::string>{"ro"});
}

TEST_CASE("what the initramfs is made of is not the type of the disk's file system", "[app]") {
  CHECK(root_of("rootfstype=ramfs root=data")->mount.type.empty());
  CHECK(root_of("rootfstype=ramfs root=data rootfstype=erofs")->mount.type == "erofs");
}

TEST_CASE("with an overlay the disk is read-only whatever else is asked for", "[app]") {
  const auto root = root_of("root=rootfs rw kestrel.overlay=data");
  CHECK(root->overlay == "data");
  CHECK(root->mount.options == std::vector<std::string>{"ro"});
  CHECK(root_of("root=rootfs kestrel.overlay")->overlay == "");
  CHECK_FALSE(root_of("root=rootfs")->overlay);
}

TEST_CASE("a root may be waited for without an end", "[app]") {
  CHECK(root_of("root=data rootwait")->waits_for_ever);
}

}  // namespace
}  // namespace kestrel::app
