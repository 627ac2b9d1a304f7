#include "kestrel/sys/file.h"

#include <catch2/catch.hpp>
#include <cerrno>

#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

TEST_CASE("a file of /proc, whose size is told as none, is read whole", "[sys]") {
  auto text = read_file("/proc/self/status");
  REQUIRE(text);
  CHECK(text->starts_with("Name:"));
  CHECK(text->size() > 100);
}

TEST_CASE("a file beyond the limit is refused, one exactly at it is read", "[sys]") {
  test::TemporaryFolder folder;
  const std::string path = folder.write("big", std::string(5000, 'x'));
  CHECK(read_file(path, Bytes{5000}).value().size() == 5000);
  auto refused = read_file(path, Bytes{4999});
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == EFBIG);
}

TEST_CASE("a missing file is an error that names it and is never created by writing", "[sys]") {
  test::TemporaryFolder folder;
  const std::string path = folder.path("none");
  CHECK(read_file(path).error().message == "cannot open " + path + ": No such file or directory");
  CHECK(write_file(path, "x").error().code == ENOENT);
  CHECK_FALSE(std::filesystem::exists(path));
}

}  // namespace
}  // namespace kestrel::sys
