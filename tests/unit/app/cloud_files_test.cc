#include "kestrel/app/cloud_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::app {
namespace {

namespace fs = std::filesystem;
using Failures = std::vector<std::string>;

struct stat status_of(const std::string& path) {
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  return status;
}

TEST_CASE("files of user-data are written with their folders, and replace what was there", "[app]") {
  const test::TemporaryFolder root;
  root.write("etc/environment", "OLD=1\n", 0600);
  CHECK(write_cloud_files({{.path = "/etc/environment", .content = "NEW=1\n"},
                           {.path = "/app/conf/key", .content = "k", .permissions = 0400}},
                          root.path()) == Failures{});
  CHECK(root.read("etc/environment") == "NEW=1\n");
  CHECK((status_of(root.path("etc/environment")).st_mode & 07777) == 0644);
  CHECK(root.read("app/conf/key") == "k");
  CHECK((status_of(root.path("app/conf/key")).st_mode & 07777) == 0400);
  CHECK(std::distance(fs::directory_iterator(root.path("etc")), {}) == 1);
}

TEST_CASE("what is appended to keeps its mode, unless another one is given", "[app]") {
  const test::TemporaryFolder root;
  root.write("log", "a", 0640);
  CHECK(write_cloud_files({{.path = "/log", .content = "b", .is_appended = true},
                           {.path = "/new", .content = "c", .is_appended = true}},
                          root.path()) == Failures{});
  CHECK(root.read("log") == "ab");
  CHECK((status_of(root.path("log")).st_mode & 07777) == 0640);
  CHECK(root.read("new") == "c");
  CHECK(write_cloud_files({{.path = "/log", .permissions = 0600, .is_appended = true}}, root.path()) ==
        Failures{});
  CHECK((status_of(root.path("log")).st_mode & 07777) == 0600);
}

TEST_CASE("the owner of a file of user-data is looked up in the guest", "[app]") {
  if (::getuid() != 0) return;
  const test::TemporaryFolder root;
  root.write("etc/passwd", "app:x:1234:1235::/:/bin/sh\n");
  CHECK(write_cloud_files({{.path = "/a", .owner = config::User{"app", {}, {}}}}, root.path()) == Failures{});
  CHECK(status_of(root.path("a")).st_uid == 1234);
  CHECK(status_of(root.path("a")).st_gid == 1235);
}

TEST_CASE("a file of user-data that cannot be written is told, and the rest is written", "[app]") {
  const test::TemporaryFolder root;
  root.write("file", "");
  REQUIRE(::mkfifo(root.path("pipe").c_str(), 0600) == 0);
  root.write("etc/passwd", "");
  const auto failures = write_cloud_files({{.path = "/file/below"},
                                           {.path = "/"},
                                           {.path = "/pipe", .is_appended = true},
                                           {.path = "/a", .owner = config::User{"nobody-knows", {}, {}}},
                                           {.path = "/last", .content = "x"}},
                                          root.path());
  REQUIRE(failures.size() == 4);
  CHECK(failures[0] == "cannot open /file/: Not a directory");
  CHECK(failures[1] == "cannot open /: it is no entry of a folder");
  CHECK(failures[2] == "cannot append to /pipe: it is no regular file");
  CHECK_THAT(failures[3], Catch::StartsWith("cannot write /a: ") && Catch::Contains("nobody-knows"));
  CHECK(root.read("last") == "x");
  CHECK_FALSE(fs::exists(root.path("a")));
}

TEST_CASE("no file of user-data leads out of the root", "[app]") {
  const test::TemporaryFolder folder;
  fs::create_directories(folder.path("root"));
  fs::create_symlink("/", folder.path("root/top"));
  fs::create_symlink("../outside", folder.path("root/link"));
  CHECK(write_cloud_files({{.path = "/top/../../a", .content = "1"}, {.path = "/link", .content = "2"}},
                          folder.path("root")) == Failures{});
  CHECK(folder.read("root/a") == "1");
  CHECK(folder.read("root/link") == "2");
  CHECK_FALSE(fs::exists(folder.path("outside")));
}

}  // namespace
}  // namespace kestrel::app
