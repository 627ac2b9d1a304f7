#include "hostd/disks/volumes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <cstdlib>

#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

struct Bench {
  TemporaryFolder folder;
  std::string volumes = folder.file("state/volumes");
  [[nodiscard]] Volume volume(Bytes size = mebibytes(8)) const {
    return {"data", "/data", size, volume_path(volumes, "data")};
  }
};

/// s_magic of the superblock, which begins at 1024 (Documentation/filesystems/ext4/super.rst).
bool has_ext4(int fd) {
  unsigned char magic[2] = {};
  return ::pread(fd, magic, sizeof magic, 1024 + 0x38) == 2 && magic[0] == 0x53 && magic[1] == 0xef;
}

class Path {
 public:
  explicit Path(const char* path) { ::setenv("PATH", path, 1); }
  ~Path() { ::setenv("PATH", before_.c_str(), 1); }
  Path(const Path&) = delete;
  Path& operator=(const Path&) = delete;

 private:
  std::string before_ = std::getenv("PATH");
};

}  // namespace

TEST_CASE("a volume is made at its first use, sparse, with a file system, for its owner alone", "[hostd]") {
  const Bench bench;
  const auto open = open_volume(bench.volume());
  REQUIRE(open);
  CHECK(has_ext4(open->file.get()));
  struct stat status {};
  REQUIRE(::stat(bench.volume().path.c_str(), &status) == 0);
  CHECK(status.st_size == 8 << 20);
  CHECK(status.st_blocks * 512 < 4 << 20);
  CHECK((status.st_mode & 0777) == 0600);
  CHECK(!bench.folder.has("state/volumes/data.raw.new"));
}

TEST_CASE("a volume that is there is taken as it is, and its size is a promise", "[hostd]") {
  const Bench bench;
  {
    const auto open = open_volume(bench.volume());
    REQUIRE(::pwrite(open->file.get(), "kept", 4, 6 << 20) == 4);
  }
  for (const Bytes size : {mebibytes(8), Bytes{}}) {
    const auto again = open_volume(bench.volume(size));
    REQUIRE(again);
    char found[4] = {};
    CHECK(::pread(again->file.get(), found, 4, 6 << 20) == 4);
    CHECK(std::string_view(found, 4) == "kept");
  }
  CHECK(open_volume(bench.volume(mebibytes(16))).error().message ==
        "cannot use volume data: it is there already, of 8 MiB and not 16 MiB; leave the size away to take "
        "it as it is");
}

TEST_CASE("a volume in use is refused, also while it is being made, and cannot be removed", "[hostd]") {
  const Bench bench;
  auto open = open_volume(bench.volume());
  REQUIRE(open);
  const auto second = open_volume(bench.volume());
  REQUIRE_FALSE(second);
  CHECK(second.error().message == "cannot use volume data: another VM uses it");
  CHECK(second.error().code == EBUSY);
  CHECK(remove_volume(bench.volumes, "data").error().message == "cannot remove volume data: a VM uses it");
  CHECK(list_volumes(bench.volumes).at(0).is_in_use);

  ::rename(bench.volume().path.c_str(), (bench.volume().path + ".new").c_str());
  CHECK(open_volume(bench.volume()).error().message == "cannot use volume data: another VM is making it");
}

TEST_CASE("what a crash has left of a volume that was being made is made anew", "[hostd]") {
  const Bench bench;
  { const auto open = open_volume(bench.volume()); }
  REQUIRE(::rename(bench.volume().path.c_str(), (bench.volume().path + ".new").c_str()) == 0);
  REQUIRE(::truncate((bench.volume().path + ".new").c_str(), 4 << 20) == 0);
  const auto open = open_volume(bench.volume());
  REQUIRE(open);
  CHECK(has_ext4(open->file.get()));
  CHECK(list_volumes(bench.volumes).at(0).size == mebibytes(8));
}

TEST_CASE("volumes are listed and removed by their names", "[hostd]") {
  const Bench bench;
  CHECK(list_volumes(bench.volumes).empty());
  { const auto open = open_volume(bench.volume()); }
  const auto volumes = list_volumes(bench.volumes);
  REQUIRE(volumes.size() == 1);
  CHECK(volumes[0].name == "data");
  CHECK(volumes[0].size == mebibytes(8));
  CHECK_FALSE(volumes[0].is_in_use);
  CHECK(remove_volume(bench.volumes, "../data").error().message ==
        "cannot remove volume ../data: that is no volume's name");
  CHECK(remove_volume(bench.volumes, "other").error().code == ENOENT);
  CHECK(remove_volume(bench.volumes, "data"));
  CHECK(list_volumes(bench.volumes).empty());
}

TEST_CASE("a volume that is not there needs a size", "[hostd]") {
  const Bench bench;
  CHECK(open_volume(bench.volume(Bytes{})).error().message ==
        "cannot make volume data: it is not there yet, and no size is given");
}

TEST_CASE("a file system that cannot be made leaves no volume behind", "[hostd]") {
  const Bench bench;
  bench.folder.write("mke2fs", "#!/bin/sh\necho first >&2\necho no good >&2\nexit 1\n");
  REQUIRE(::chmod(bench.folder.file("mke2fs").c_str(), 0755) == 0);
  const Path path((bench.folder.path() + ":/bin").c_str());
  CHECK(open_volume(bench.volume()).error().message ==
        "cannot make a file system in " + bench.volume().path +
            ".new: cannot run mke2fs: it ended with status 1\n  first\n  no good");
  CHECK(list_volumes(bench.volumes).empty());
  CHECK(!bench.folder.has("state/volumes/data.raw.new"));
}
