// What an image needs of a kernel, and what the kernel has without a module.
#include "hostd/build/module_files.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a kernel has built in what its modules.builtin names, however that is spelt", "[hostd][build]") {
  const TemporaryFolder modules;
  CHECK_FALSE(has_built_in(modules.path(), {"virtio_console"}));
  modules.write("modules.builtin",
                "kernel/drivers/char/virtio_console.ko\nkernel/drivers/virtio/virtio-mmio.ko\n");
  CHECK(has_built_in(modules.path(), {"virtio_console", "virtio_mmio"}));
  CHECK_FALSE(has_built_in(modules.path(), {"virtio_console", "virtio_net"}));
}

TEST_CASE("what is built in needs no module, and what is nowhere is an error", "[hostd][build]") {
  const TemporaryFolder modules;
  modules.write("modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/block/virtio_blk.ko\n");
  Tree tree;
  REQUIRE(add_modules(tree, modules.path(), {"blk"}));
  CHECK(tree.entries().empty());
  CHECK(add_modules(tree, modules.path(), {"btrfs"}).error().message ==
        "cannot add the module btrfs: it is neither in " + modules.path() + " nor built into its kernel");
}
