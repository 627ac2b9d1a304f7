#include "hostd/disks/overlay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>
#include <filesystem>

#include "hostd/disks/open_disks.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

Disk overlay_over(const std::string& base, DiskFormat format, const std::string& path) {
  Disk disk;
  disk.file = {path, DiskFormat::qcow2};
  disk.base = DiskFile{base, format};
  return disk;
}

/// An empty raw disk.
std::string disk_of(const TemporaryFolder& folder, std::uintmax_t size) {
  const std::string path = folder.write("base.img", "");
  std::filesystem::resize_file(path, size);
  return path;
}

}  // namespace

TEST_CASE(
    "an overlay that is not there yet is made, as big as its base, and QEMU's own program finds it sound",
    "[hostd]") {
  const TemporaryFolder folder;
  const std::uintmax_t size = GENERATE(std::uintmax_t{1} << 20, (std::uintmax_t{3} << 30) + 512);
  const std::string path = folder.file("overlay.qcow2");
  const auto open = open_disk(overlay_over(disk_of(folder, size), DiskFormat::raw, path));
  REQUIRE(open);
  CHECK(virtual_size(open->file.get(), DiskFormat::qcow2, path).value() == Bytes{size});
  CHECK(std::system(("qemu-img check -q " + path).c_str()) == 0);
}

TEST_CASE("an overlay that is there is kept, and belongs to one VM at a time", "[hostd]") {
  const TemporaryFolder folder;
  const std::string base = disk_of(folder, 1 << 20);
  const Disk disk = overlay_over(base, DiskFormat::raw, folder.file("overlay.qcow2"));
  {
    const auto first = open_disk(disk);
    REQUIRE(first);
    REQUIRE(::pwrite(first->file.get(), "kept", 4, 4 << 16) == 4);
    CHECK(open_disk(disk).error().code == EBUSY);
  }
  REQUIRE(open_disk(disk));
  CHECK(folder.read("overlay.qcow2").substr(4 << 16) == "kept");
  CHECK(open_disk(overlay_over(folder.file("overlay.qcow2"), DiskFormat::qcow2, folder.file("second"))));
}

TEST_CASE("an overlay without a name leaves nothing behind", "[hostd]") {
  const TemporaryFolder folder;
  ::setenv("KESTREL_STATE_DIR", folder.path().c_str(), 1);
  const auto open = open_disk(overlay_over(disk_of(folder, 1 << 20), DiskFormat::raw, ""));
  ::unsetenv("KESTREL_STATE_DIR");
  REQUIRE(open);
  struct stat status {};
  REQUIRE(::fstat(open->file.get(), &status) == 0);
  CHECK(status.st_nlink == 0);
  CHECK(std::filesystem::is_empty(folder.file("overlays")));
}

TEST_CASE("a base that is not what it is said to be is refused", "[hostd]") {
  const TemporaryFolder folder;
  const std::string base = disk_of(folder, 1 << 20);
  const auto open = open_disk(overlay_over(base, DiskFormat::qcow2, ""));
  REQUIRE_FALSE(open);
  CHECK(open.error().message == "cannot use disk " + base + ": it is no qcow2 file");
}

TEST_CASE("an overlay is kept where its base is a file that cannot become another one", "[hostd]") {
  const Disk plain{{"/d", DiskFormat::raw}, false, "", {}};
  std::vector<Disk> disks = {overlay_over("/blobs/abc", DiskFormat::raw, ""),
                             overlay_over("/image/rootfs.img", DiskFormat::raw, ""),
                             overlay_over("/blobs/abc", DiskFormat::raw, "/named"), plain};
  keep_overlays(disks, "/overlays", "web", "/blobs/");
  CHECK(disks[0].file.path == "/overlays/web/abc.qcow2");
  CHECK(disks[1].file.path.empty());
  CHECK(disks[2].file.path == "/named");
  CHECK(disks[3] == plain);
}
