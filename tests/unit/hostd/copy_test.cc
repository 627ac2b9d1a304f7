#include <catch2/catch.hpp>

#include "hostd/cli/copy_plan.h"
#include "hostd/cli/copy_progress.h"

namespace kestrel::hostd {

namespace {

using Kind = CopySide::Kind;

CopyPlan plan(std::string_view source, Standing source_is, std::string_view destination,
              Standing destination_is) {
  const auto made = plan_copy(source, source_is, destination, destination_is);
  REQUIRE(made);
  return *made;
}

}  // namespace

TEST_CASE("the sides of a copy are told apart by their colon", "[hostd]") {
  CHECK(parse_copy_side("web:/etc") == CopySide{Kind::guest, "web", "/etc"});
  CHECK(parse_copy_side("web:etc") == CopySide{Kind::guest, "web", "/etc"});
  CHECK(parse_copy_side("web:") == CopySide{Kind::guest, "web", "/"});
  CHECK(parse_copy_side("web:/a:b") == CopySide{Kind::guest, "web", "/a:b"});
  CHECK(parse_copy_side("unix:/run/api.sock:/etc") == CopySide{Kind::guest, "unix:/run/api.sock", "/etc"});
  CHECK(parse_copy_side("/a:b") == CopySide{Kind::local, "", "/a:b"});
  CHECK(parse_copy_side("./a:b") == CopySide{Kind::local, "", "./a:b"});
  CHECK(parse_copy_side("file") == CopySide{Kind::local, "", "file"});
  CHECK(parse_copy_side(":x") == CopySide{Kind::local, "", ":x"});
  CHECK(parse_copy_side("-") == CopySide{Kind::archive, "", ""});
}

TEST_CASE("into a folder that is there goes the source, or what is in it", "[hostd]") {
  CHECK(plan("a/tree", Standing::folder, "/srv", Standing::folder) == CopyPlan{"/srv", "tree"});
  CHECK(plan("a/tree/", Standing::folder, "/srv/", Standing::folder) == CopyPlan{"/srv/", "tree"});
  CHECK(plan("a/tree/.", Standing::folder, "/srv", Standing::folder) == CopyPlan{"/srv", "."});
  CHECK(plan("a/file", Standing::other, ".", Standing::folder) == CopyPlan{".", "file"});
  CHECK(plan("/", Standing::folder, "backup", Standing::folder) == CopyPlan{"backup", "."});
}

TEST_CASE("what is not there becomes the copy", "[hostd]") {
  CHECK(plan("tree", Standing::folder, "/srv/new", Standing::missing) == CopyPlan{"/srv", "new"});
  CHECK(plan("tree/.", Standing::folder, "/srv/new/", Standing::missing) == CopyPlan{"/srv", "new"});
  CHECK(plan("file", Standing::other, "/new", Standing::missing) == CopyPlan{"/", "new"});
  CHECK(plan("file", Standing::other, "new", Standing::missing) == CopyPlan{".", "new"});
  CHECK(plan("file", Standing::other, "old", Standing::other) == CopyPlan{".", "old"});
}

TEST_CASE("what makes no sense as a destination is refused", "[hostd]") {
  CHECK(plan_copy("tree", Standing::folder, "file", Standing::other).error().message ==
        "cannot copy tree to file: a folder does not replace a file");
  CHECK(plan_copy("file", Standing::other, "new/", Standing::missing).error().message ==
        "cannot copy file to new/: the folder does not exist");
  CHECK(plan_copy("file", Standing::other, "old/", Standing::other).error().message ==
        "cannot copy file to old/: the destination is no folder");
}

TEST_CASE("progress is a bar where the total is known, and fits its line", "[hostd]") {
  CHECK(format_progress("f", mebibytes(1), mebibytes(2), seconds(1), 80) ==
        "f  [############            ] 50%  1 MiB of 2 MiB  1 MiB/s");
  CHECK(format_progress("tree", mebibytes(4), std::nullopt, seconds(2), 80) == "tree  4 MiB  2 MiB/s  2.0s");
  // A file that grows while it is copied.
  CHECK_THAT(format_progress("f", mebibytes(3), mebibytes(2), seconds(1), 80), Catch::Contains("100%"));
  CHECK(format_progress(std::string(200, 'x'), mebibytes(4), std::nullopt, seconds(2), 80) ==
        "4 MiB  2 MiB/s  2.0s");
  CHECK(format_progress("f", mebibytes(4), std::nullopt, Duration::zero(), 8).size() == 8);
}

}  // namespace kestrel::hostd
