#include "hostd/vmm/disk_error.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a disk that stops the guest is called by its serial, or its file", "[hostd]") {
  const std::vector<Disk> disks = {{{"/d/a.raw", DiskFormat::raw}, false, "data", {}},
                                   {{"/d/b.raw", DiskFormat::raw}, false, "", {}}};
  const auto error_of = [&](const char* data) { return find_disk_error(data, disks); };
  CHECK(error_of(R"({"node-name":"disk0","action":"stop","nospace":true,"reason":"No space left"})") ==
        DiskError{"data", "No space left"});
  CHECK(error_of(R"({"node-name":"disk1","action":"stop","reason":"x"})") == DiskError{"/d/b.raw", "x"});
  CHECK(error_of(R"({"node-name":"disk9","action":"stop"})") == DiskError{"disk9", ""});
  CHECK(to_json({"data", "\"full\""}) == R"({"disk":"data","reason":"\"full\""})");
}

TEST_CASE("an error that the guest is told of by itself is none of ours, nor is what is no event",
          "[hostd]") {
  for (const auto* data :
       {R"({"node-name":"disk0","action":"report","reason":"x"})", R"({"action":1})", "{}", "[]", ""})
    CHECK(!find_disk_error(data, {}));
}
