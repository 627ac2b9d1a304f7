#include "hostd/build/tree.h"

#include <catch2/catch.hpp>
#include <filesystem>

#include "hostd/build/tree_sources.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string paths_of(const Tree& tree) {
  std::string text;
  for (const auto& [path, entry] : tree.entries()) text += path + ' ';
  return text;
}

}  // namespace

TEST_CASE("folders on the way to an entry are made", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("/usr/bin/true", file_of("x", 0755)));
  CHECK(paths_of(tree) == "usr usr/bin usr/bin/true ");
  CHECK(tree.find("usr/bin")->kind == TreeEntry::Kind::folder);
}

TEST_CASE("what is put behind a symlink to a folder lands in that folder", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("usr/lib", folder_of(0755)));
  REQUIRE(tree.add("lib", symlink_to("usr/lib")));
  REQUIRE(tree.add("lib/a.so", file_of("a", 0644)));
  REQUIRE(tree.add("lib", folder_of(0700)));
  CHECK(paths_of(tree) == "lib usr usr/lib usr/lib/a.so ");
  CHECK(tree.find("lib/a.so")->content == "a");
}

TEST_CASE("no symlink leads out of a tree", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("out", symlink_to("../../etc")));
  REQUIRE(tree.add("out/passwd", file_of("", 0644)));
  CHECK(paths_of(tree) == "etc etc/passwd out ");
  CHECK(tree.add("a/../../b", file_of("", 0644)).error().message ==
        "cannot put a/../../b into the image: it has a `..` in it");
}

TEST_CASE("an absolute symlink begins at the tree's top", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("srv/link", symlink_to("/etc")));
  REQUIRE(tree.add("srv/link/a", file_of("", 0644)));
  CHECK(paths_of(tree) == "etc etc/a srv srv/link ");
}

TEST_CASE("symlinks that go round in circles are an error", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("a", symlink_to("b")));
  REQUIRE(tree.add("b", symlink_to("a")));
  CHECK(tree.add("a/x", file_of("", 0644)).error().message ==
        "cannot put a/x into the image: its symlinks go round in circles");
  CHECK(tree.find("a") == nullptr);
}

TEST_CASE("a file that takes a folder's place takes what was in it, too", "[hostd][build]") {
  Tree tree;
  REQUIRE(tree.add("a/b/c", file_of("", 0644)));
  REQUIRE(tree.add("ab", file_of("", 0644)));
  REQUIRE(tree.add("a", file_of("", 0644)));
  CHECK(paths_of(tree) == "a ab ");
  CHECK_FALSE(tree.add("a/b", file_of("", 0644)));
}

TEST_CASE("what is removed goes with all below it, and nothing else", "[hostd][build]") {
  Tree tree;
  for (const char* path : {"a/1", "a/2/3", "a.b", "ab/1"}) REQUIRE(tree.add(path, file_of("", 0644)));
  tree.clear("a");
  CHECK(paths_of(tree) == "a a.b ab ab/1 ");
  tree.remove("ab");
  tree.remove("nosuch");
  CHECK(paths_of(tree) == "a a.b ");
}

TEST_CASE("a folder of this host becomes root's, whatever the umask was of who made it", "[hostd][build]") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("t/etc"));
  folder.write("t/etc/a", "a");
  std::filesystem::permissions(folder.file("t/etc/a"), std::filesystem::perms{0664});
  std::filesystem::create_symlink("a", folder.file("t/etc/link"));
  std::filesystem::create_directory(folder.file("t/tmp"));
  std::filesystem::permissions(folder.file("t/tmp"), std::filesystem::perms{01777});
  Tree tree;
  REQUIRE(add_from_host(tree, folder.file("t"), "/srv"));
  CHECK(paths_of(tree) == "srv srv/etc srv/etc/a srv/etc/link srv/tmp ");
  CHECK(tree.find("srv/etc/a")->mode == 0644);
  CHECK(tree.find("srv/etc/a")->uid == 0);
  CHECK(tree.find("srv/tmp")->mode == 01777);
  CHECK(tree.entries().at("srv/etc/link").link == "a");
  CHECK(add_from_host(tree, folder.file("nosuch"), "").error().message ==
        "cannot read " + folder.file("nosuch") + ": No such file or directory");
}
