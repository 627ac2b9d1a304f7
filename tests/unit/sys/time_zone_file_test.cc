#include "kestrel/sys/time_zone_file.h"

#include "tests/unit/base/zones.h"
#include "tests/unit/sys/temporary_folder.h"

using namespace kestrel;

namespace {

constexpr auto july = std::chrono::sys_days{std::chrono::July / 1 / 2026};

std::string error_of(const std::string& name, const std::string& root) {
  const auto zone = sys::load_time_zone(name, root);
  return zone ? "" : zone.error().message;
}

}  // namespace

TEST_CASE("a time zone is read from the root's zoneinfo", "[sys]") {
  const test::TemporaryFolder root;
  root.write("usr/share/zoneinfo/Europe/Berlin", zone_data(3600, {}, "CET-1CEST,M3.5.0,M10.5.0/3"));
  const auto zone = sys::load_time_zone("Europe/Berlin", root.path());
  REQUIRE(zone);
  CHECK(zone->offset_at(july) == hours(2));
}

TEST_CASE("UTC needs no file", "[sys]") {
  const test::TemporaryFolder root;
  const auto zone = sys::load_time_zone("UTC", root.path());
  REQUIRE(zone);
  CHECK(zone->offset_at(july) == seconds(0));
}

TEST_CASE("a zone that the image lacks is an error that names the package", "[sys]") {
  const test::TemporaryFolder root;
  CHECK(error_of("Asia/Kolkata", root.path()) ==
        "cannot load the time zone Asia/Kolkata: the image has no such zone; it needs the package tzdata");
}

TEST_CASE("a zone's name leads to no other file", "[sys]") {
  const test::TemporaryFolder root;
  root.write("secret", zone_data(0, {}, "UTC0"));
  root.write("usr/share/zoneinfo/here", zone_data(0, {}, "UTC0"));
  CHECK(error_of("../../../secret", root.path()) ==
        "cannot load the time zone ../../../secret: that is no name of one");
  CHECK(error_of("/etc/passwd", root.path()) ==
        "cannot load the time zone /etc/passwd: that is no name of one");
}

TEST_CASE("a file that is no time zone is an error with its reason", "[sys]") {
  const test::TemporaryFolder root;
  root.write("usr/share/zoneinfo/tzdata", "2026a");
  CHECK(error_of("tzdata", root.path()) ==
        "cannot load the time zone tzdata: cannot read the time zone: it is no TZif data");
}
