#include "kestrel/app/environment.h"

#include <catch2/catch.hpp>

#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::app {
namespace {

TEST_CASE("a variable comes from where its entry says", "[app]") {
  const GuestEnvironment guest{.inherited = {}, .vm = {{"URL", "postgres://db"}}};
  Environment out;
  REQUIRE(add_entries({{"A", config::Literal{"1"}},
                       {"URL", config::FromVmEnvironment{}},
                       {"LEVEL", config::FromVmEnvironment{"info"}},
                       {"KEY", config::FromFile{"/nonexistent", "none"}}},
                      guest, out));
  CHECK(as_entries(out) == std::vector<std::string>{"A=1", "KEY=none", "LEVEL=info", "URL=postgres://db"});
}

TEST_CASE("a variable that is nowhere is an error that names it", "[app]") {
  Environment out;
  const auto added = add_entries({{"URL", config::FromVmEnvironment{}}}, {}, out);
  REQUIRE(!added);
  CHECK(added.error().message == "cannot set URL: it is not in the VM's environment and has no default");
}

TEST_CASE("an environment file gives its variables without quotes and comments", "[app]") {
  const test::TemporaryFolder folder;
  const auto path = folder.write("environment", "# comment\n\nA=1\n  export B=\"two words\"\nC='x=y'\nA=2\n");
  Environment out;
  REQUIRE(read_environment_file({path, false}, out));
  CHECK(out == Environment{{"A", "2"}, {"B", "two words"}, {"C", "x=y"}});
}

TEST_CASE("a malformed line of an environment file is named", "[app]") {
  const test::TemporaryFolder folder;
  const auto path = folder.write("environment", "A=1\nnonsense\n");
  Environment out;
  const auto read = read_environment_file({path, false}, out);
  REQUIRE(!read);
  CHECK(read.error().message == "cannot read " + path + ": line 2 is not NAME=VALUE");
}

TEST_CASE("only an optional environment file may be missing", "[app]") {
  Environment out;
  CHECK(read_environment_file({"/nonexistent", true}, out));
  CHECK(!read_environment_file({"/nonexistent", false}, out));
}

}  // namespace
}  // namespace kestrel::app
