#include "hostd/disks/open_disks.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <chrono>
#include <thread>

#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

enum class Access { write, read };

struct Files {
  TemporaryFolder folder;
  std::string path = folder.write("disk.img", "");

  [[nodiscard]] Disk disk(Access access = Access::write) const {
    return {{path, DiskFormat::raw}, access == Access::read, "", {}};
  }
};

}  // namespace

TEST_CASE("a disk that is written belongs to one VM until its file is closed everywhere", "[hostd]") {
  const Files files;
  auto first = open_disk(files.disk());
  REQUIRE(first);
  const sys::UniqueFd of_qemu(::fcntl(first->file.get(), F_DUPFD_CLOEXEC, 0));
  first->file.reset();
  const auto second = open_disk(files.disk());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EBUSY);
  CHECK(second.error().message == "cannot use disk " + files.path + ": another VM uses it");
  CHECK(open_disk(files.disk(Access::read)).error().message ==
        "cannot use disk " + files.path + ": another VM writes to it");
}

TEST_CASE("a disk whose VMM is about to be gone is waited for", "[hostd]") {
  const Files files;
  auto last = open_disk(files.disk());
  REQUIRE(last);
  std::thread end([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    last->file.reset();
  });
  const auto next = open_disk(files.disk());
  end.join();
  CHECK(next);
}

TEST_CASE("a disk that is only read may be read by many, as may an overlay's base", "[hostd]") {
  const Files files;
  const Files above;
  const auto first = open_disk(files.disk(Access::read));
  REQUIRE(first);
  CHECK(open_disk(files.disk(Access::read)));
  Disk overlay = above.disk();
  overlay.base = DiskFile{files.path, DiskFormat::raw};
  const auto open = open_disk(overlay);
  REQUIRE(open);
  CHECK(open->base.is_open());
  CHECK(open_disk(files.disk()).error().code == EBUSY);
}

TEST_CASE("what is no file is no disk", "[hostd]") {
  const TemporaryFolder folder;
  const std::string pipe = folder.file("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(open_disk({{pipe, DiskFormat::raw}, true, "", {}}).error().message ==
        "cannot use disk " + pipe + ": it is neither a file nor a block device");
  CHECK(open_disk({{folder.file("none"), DiskFormat::raw}, true, "", {}}).error().message ==
        "cannot use disk " + folder.file("none") + ": No such file or directory");
}
