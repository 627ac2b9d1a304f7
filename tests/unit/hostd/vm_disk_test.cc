#include "hostd/vm_disk.h"

#include <catch2/catch.hpp>

#include "hostd/qemu_devices.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

const Disk data{{"/d/data.img", DiskFormat::raw}, false, "data", {}};
const Disk overlay{
    {"/vms/a/root.qcow2", DiskFormat::qcow2}, false, "root", DiskFile{"/i/base.raw", DiskFormat::raw}};

}  // namespace

TEST_CASE("good disks have no problems", "[hostd]") { CHECK(problems_of({data, overlay}).empty()); }

TEST_CASE("what is wrong about disks is told, disk by disk", "[hostd]") {
  const auto [disks, problem] = GENERATE(table<std::vector<Disk>, std::string>({
      {{{{"d.img", DiskFormat::raw}, false, "", {}}}, "the disk `d.img` is not an absolute path"},
      {{{{"/d", DiskFormat::qcow2}, false, "", DiskFile{"b", DiskFormat::raw}}},
       "the base of the disk /d is not an absolute path"},
      {{{{"/d", DiskFormat::raw}, false, "", DiskFile{"/b", DiskFormat::raw}}},
       "the disk /d is raw and so lies on no base"},
      {{{{"/d", DiskFormat::raw}, false, "a,b", {}}},
       "`a,b` is no serial for a disk: use up to 20 letters, digits, `-`, `_`, `.`, with a letter or digit "
       "first"},
      {{{{"/d", DiskFormat::raw}, false, std::string(21, 'a'), {}}},
       "`aaaaaaaaaaaaaaaaaaaaa` is no serial for a disk: use up to 20 letters, digits, `-`, `_`, `.`, with a "
       "letter or digit first"},
      {{data, data}, "two disks have the serial data"},
      {std::vector<Disk>(17, {{"/d", DiskFormat::raw}, false, "", {}}), "a VM has at most 16 disks"},
  }));
  CHECK(problems_of(disks) == std::vector<std::string>{problem});
}

TEST_CASE("a disk's format is raw or qcow2", "[hostd]") {
  CHECK(*parse_disk_format("raw") == DiskFormat::raw);
  CHECK(*parse_disk_format("qcow2") == DiskFormat::qcow2);
  CHECK(parse_disk_format("vmdk").error().message ==
        "cannot use disk format `vmdk`: it is neither raw nor qcow2");
}

TEST_CASE("QEMU gets a disk as an open file and never opens one by its name", "[hostd]") {
  const std::vector<std::string> expected = {
      "-add-fd",
      "fd=6,set=6",
      "-blockdev",
      R"({"discard":"unmap","driver":"raw","file":{"discard":"unmap","driver":"file","filename":"/dev/fdset/6"},)"
      R"("node-name":"disk0","read-only":false})",
      "-device",
      "virtio-blk-device,drive=disk0,serial=data",
  };
  CHECK(disk_options({data}, {{6, -1}}) == expected);
}

TEST_CASE("an overlay lies on the base that the spec names, which is only read", "[hostd]") {
  const auto options = disk_options({data, overlay}, {{6, -1}, {7, 8}});
  REQUIRE(options.size() == 16);
  CHECK(options[7] == "fd=8,set=8");
  CHECK(options[9].find(R"("node-name":"disk1-base","read-only":true)") != std::string::npos);
  CHECK(options[13].find(R"({"backing":"disk1-base",)") != std::string::npos);
  CHECK(options[15] == "virtio-blk-device,drive=disk1,serial=root");
}

TEST_CASE("a qcow2 file without a base is not led to another file by its own head", "[hostd]") {
  const auto options = disk_options({{{"/d", DiskFormat::qcow2}, true, "", {}}}, {{6, -1}});
  CHECK(options[3].find(R"({"backing":null,)") != std::string::npos);
  CHECK(options[5] == "virtio-blk-device,drive=disk0");
}
