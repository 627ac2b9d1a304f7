#include "hostd/vm_volume.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a volume is its name, where it is mounted, and how large it is at first", "[hostd]") {
  const auto [text, volume] = GENERATE(table<std::string, Volume>({
      {"data:/var/lib/data:1G", {"data", "/var/lib/data", mebibytes(1024), "/v/data.raw"}},
      {"data:/var/lib/data", {"data", "/var/lib/data", Bytes{}, "/v/data.raw"}},
      {"data::64M", {"data", "", mebibytes(64), "/v/data.raw"}},
      {"data:/:64M", {"data", "/", mebibytes(64), "/v/data.raw"}},
  }));
  const auto parsed = parse_volume(text, "/v");
  REQUIRE(parsed);
  CHECK(*parsed == volume);
}

TEST_CASE("a wrong volume is refused with what is wrong about it", "[hostd]") {
  const auto [text, cause] = GENERATE(table<std::string, std::string>({
      {"data", "it is not NAME:PATH:SIZE"},
      {"a:/b:1G:ro", "it is not NAME:PATH:SIZE"},
      {"data:/d:huge", "`huge` is not a size such as 64M or 1G"},
      {"data:/d:1M", "its size is below 2 MiB"},
      {"data:d:1G", "`d` is no absolute path to mount a volume on"},
      {"../x:/d:1G",
       "`../x` is no name for a volume: use up to 20 letters, digits, `-`, `_`, `.`, with a letter or digit "
       "first"},
  }));
  const auto parsed = parse_volume(text, "/v");
  REQUIRE_FALSE(parsed);
  CHECK(parsed.error().message == "cannot use volume `" + text + "`: " + cause);
}

TEST_CASE("two volumes cannot be mounted on one folder", "[hostd]") {
  CHECK(problems_of({*parse_volume("a:/d:1G", "/v"), *parse_volume("b:/d:1G", "/v")}) ==
        std::vector<std::string>{"two volumes are to be mounted on /d"});
  CHECK(problems_of({*parse_volume("a::1G", "/v"), *parse_volume("b::1G", "/v")}).empty());
}

TEST_CASE("a guest finds a volume by its name, for that is the serial of its disk", "[hostd]") {
  const Disk disk = disk_of(*parse_volume("data:/d:1G", "/v"));
  CHECK(disk == Disk{{"/v/data.raw", DiskFormat::raw}, false, "data", {}});
}
