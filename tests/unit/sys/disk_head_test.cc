// What is on a disk, told by its beginning, and mended before it is mounted.
#include "kestrel/sys/disk_head.h"

#include <catch2/catch.hpp>

#include "kestrel/sys/file_system_check.h"
#include "tests/unit/sys/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::sys;

namespace {

std::string ext_disk(char state, const std::string& label = "") {
  std::string bytes(disk_head_size, '\0');
  bytes[1024 + 0x38] = '\x53';
  bytes[1024 + 0x39] = '\xef';
  bytes[1024 + 0x3a] = state;
  return bytes.replace(1024 + 0x78, label.size(), label);
}

std::string erofs_disk(const std::string& label) {
  std::string bytes(disk_head_size, '\0');
  bytes.replace(1024, 4, "\xe2\xe1\xf5\xe0");
  return bytes.replace(1024 + 64, label.size(), label);
}

constexpr char clean = 1;
constexpr char dirty = 0;
constexpr char has_errors = 3;

/// A disk, and an e2fsck that writes down what it is asked for.
class CheckedDisk {
 public:
  explicit CheckedDisk(char state) : disk_(folder_.write("disk", ext_disk(state))) {}

  Result<std::string> check(const std::string& script) {
    const std::string checker = folder_.write(
        "e2fsck", "#!/bin/sh\necho \"$@\" >" + folder_.path("asked") + "\n" + script + "\n", 0755);
    return check_file_system(disk_, {folder_.path("none"), checker});
  }
  [[nodiscard]] std::string without_checker() const {
    return *check_file_system(disk_, {folder_.path("none")});
  }
  [[nodiscard]] const std::string& disk() const { return disk_; }
  [[nodiscard]] std::string asked() const { return folder_.read("asked"); }

 private:
  test::TemporaryFolder folder_;
  std::string disk_;
};

}  // namespace

TEST_CASE("a file system's label is read from the disk's first bytes", "[sys]") {
  CHECK(parse_disk_head(ext_disk(clean, "root"))->label == "root");
  CHECK(parse_disk_head(ext_disk(clean, "sixteen-letters!"))->label == "sixteen-letters!");
  CHECK(parse_disk_head(erofs_disk("image")) == DiskHead{false, "image", false});
  CHECK_FALSE(parse_disk_head(std::string(disk_head_size, '\0')));
  CHECK_FALSE(parse_disk_head(ext_disk(clean).substr(1)));
}

TEST_CASE("an ext file system needs a check where it was not ended in order or has errors", "[sys]") {
  CHECK_FALSE(parse_disk_head(ext_disk(clean))->needs_check);
  CHECK(parse_disk_head(ext_disk(dirty))->needs_check);
  CHECK(parse_disk_head(ext_disk(has_errors))->needs_check);
}

TEST_CASE("a disk is found by the label of its file system", "[sys]") {
  test::TemporaryFolder folder;
  for (const char* name : {"class/vda", "class/vdb", "class/vdc"}) folder.write(name, "");
  folder.write("dev/vda", ext_disk(clean, "other"));
  folder.write("dev/vdb", erofs_disk("root"));
  CHECK(find_label(folder.path("class"), folder.path("dev"), "root") == folder.path("dev/vdb"));
  CHECK_FALSE(find_label(folder.path("class"), folder.path("dev"), "roo"));
  CHECK_FALSE(find_label(folder.path("nothing"), folder.path("dev"), "root"));
}

TEST_CASE("a clean disk, and one that is no ext file system, are not checked", "[sys]") {
  CheckedDisk disk(clean);
  CHECK(disk.check("exit 4")->empty());
  CHECK(disk.asked().empty());
  test::TemporaryFolder folder;
  CHECK(check_file_system(folder.write("disk", erofs_disk("")))->empty());
  CHECK(check_file_system(folder.path("none"))->empty());
}

TEST_CASE("a disk that needs a check is mended without a question, which is told", "[sys]") {
  CheckedDisk disk(dirty);
  CHECK(*disk.check("exit 1") == "the file system on " + disk.disk() + " was mended");
  CHECK(disk.asked() == "-p " + disk.disk() + "\n");
  CHECK(*disk.check("exit 3") == "the file system on " + disk.disk() + " was mended");
  CHECK(*disk.check("exit 0") == "the file system on " + disk.disk() + " was found right");
}

TEST_CASE("a disk that cannot be mended is an error with e2fsck's last word", "[sys]") {
  CheckedDisk disk(has_errors);
  CHECK(disk.check("echo checked; echo no root; echo RUN fsck MANUALLY. >&2; printf '\\n\\t(i.e., without "
                   "-p)\\n'; exit 4")
            .error()
            .message ==
        "its file system is damaged, and e2fsck cannot mend it by itself (status 4: no root RUN fsck "
        "MANUALLY.); on the "
        "host e2fsck -f can, with the VM stopped");
  CHECK_FALSE(disk.check("kill -KILL $$"));
}

TEST_CASE("a disk that needs a check is left as it is where there is no e2fsck", "[sys]") {
  const CheckedDisk disk(dirty);
  CHECK(disk.without_checker() ==
        "the file system on " + disk.disk() + " needs a check, and the image has no e2fsck");
}
