#include "kestrel/sys/folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>

#include "kestrel/sys/directory.h"
#include "kestrel/sys/new_entry.h"
#include "temporary_folder.h"

namespace kestrel::sys {
namespace {

namespace fs = std::filesystem;

/// root/ with a file and links in it, and a secret beside it.
struct Trap {
  test::TemporaryFolder folder;
  std::string root = folder.path("root");

  Trap() {
    fs::create_directories(root + "/etc");
    folder.write("secret", "secret");
    folder.write("root/etc/passwd", "inside");
    fs::create_symlink("/etc", root + "/absolute");
    fs::create_symlink("../secret", root + "/climbing");
    fs::create_symlink("etc", root + "/inner");
    fs::create_symlink("/proc/self/root", root + "/magic");
    fs::create_symlink("loop", root + "/loop");
  }
  Folder open(Reach reach) const { return *Folder::open(root, reach); }
};

std::string content_of(const UniqueFd& file) {
  char text[64];
  const ssize_t size = ::read(file.get(), text, sizeof text);
  return {text, static_cast<std::size_t>(size < 0 ? 0 : size)};
}

int code_of(const Result<UniqueFd>& opened) { return opened ? 0 : opened.error().code; }

}  // namespace

TEST_CASE("a path's last part is what stands in a folder", "[sys]") {
  CHECK(last_part("/a/b") == "b");
  CHECK(last_part("/a/b//") == "b");
  CHECK(last_part("b") == "b");
  CHECK(last_part("/").empty());
  CHECK(last_part("").empty());
  CHECK(last_part("/a/..").empty());
  CHECK(last_part("a/.").empty());
}

TEST_CASE("a folder as root is where every path and link begins", "[sys]") {
  const Trap trap;
  const Folder folder = trap.open(Reach::as_root);
  for (const char* path : {"/etc/passwd", "etc/passwd", "../../etc/passwd", "/../etc/passwd",
                           "absolute/passwd", "inner/passwd", "etc/../../etc/passwd"}) {
    INFO(path);
    const auto file = folder.open(path, O_RDONLY);
    REQUIRE(file);
    CHECK(content_of(*file) == "inside");
  }
  CHECK(code_of(folder.open("climbing", O_RDONLY)) == ENOENT);
  CHECK(code_of(folder.open("../secret", O_RDONLY)) == ENOENT);
  CHECK(code_of(folder.open("loop", O_RDONLY)) == ELOOP);
}

TEST_CASE("a path that leads out of a folder is refused", "[sys]") {
  const Trap trap;
  const Folder folder = trap.open(Reach::below);
  CHECK(content_of(*folder.open("inner/passwd", O_RDONLY)) == "inside");
  for (const char* path :
       {"/etc/passwd", "../secret", "climbing", "absolute/passwd", "etc/../../secret", "magic/etc"}) {
    INFO(path);
    CHECK(code_of(folder.open(path, O_RDONLY)) == EXDEV);
    CHECK(code_of(folder.open(path, O_RDONLY)) != 0);
  }
  CHECK(folder.open("../secret", O_RDONLY).error().message ==
        "cannot open ../secret: it leads out of its folder");
  CHECK(code_of(trap.open(Reach::below_unlinked).open("inner/passwd", O_RDONLY)) == ELOOP);
}

TEST_CASE("a place is found and made only inside", "[sys]") {
  const Trap trap;
  const Folder folder = trap.open(Reach::below);
  CHECK(folder.find_place("etc/new")->name == "new");
  CHECK(folder.find_place("missing/new").error().code == ENOENT);
  CHECK(folder.find_place("absolute/new").error().code == EXDEV);
  CHECK(folder.find_place("etc/..").error().code == EINVAL);
  CHECK(folder.find_place("/").error().code == EINVAL);
  REQUIRE(folder.make_place("a/b//c/new"));
  CHECK(fs::is_directory(trap.root + "/a/b/c"));
  CHECK(folder.make_place("absolute/b/new").error().code == EXDEV);
  CHECK(folder.make_place("../b/new").error().code == EXDEV);
  CHECK(folder.make_place("etc/passwd/new").error().code == ENOTDIR);
  CHECK(trap.open(Reach::as_root).make_place("/../x/y/new"));
  CHECK(fs::is_directory(trap.root + "/x/y"));
}

TEST_CASE("a path with a NUL is none", "[sys]") {
  const Trap trap;
  CHECK(code_of(trap.open(Reach::as_root).open(std::string_view("etc\0/passwd", 11), O_RDONLY)) == EINVAL);
}

TEST_CASE("a new file replaces the old one when it is complete, and a given up one leaves nothing", "[sys]") {
  const Trap trap;
  const Folder folder = trap.open(Reach::as_root);
  const auto entries = [&] { return std::distance(fs::directory_iterator(trap.root + "/etc"), {}); };
  {
    auto file = NewFile::create(*folder.find_place("etc/passwd"), "etc/passwd");
    REQUIRE(file);
    REQUIRE(file->write("half"));
    CHECK(trap.folder.read("root/etc/passwd") == "inside");
    CHECK(entries() == 2);
  }
  CHECK(entries() == 1);
  auto file = NewFile::create(*folder.find_place("etc/passwd"), "etc/passwd");
  REQUIRE(file->write("whole"));
  REQUIRE(file->commit({.mode = 04640, .owner = {}, .mtime = 1'000'000'000}, Durability::synced));
  CHECK(trap.folder.read("root/etc/passwd") == "whole");
  CHECK(entries() == 1);
  struct stat status {};
  REQUIRE(::stat((trap.root + "/etc/passwd").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 04640);
  CHECK(status.st_mtime == 1'000'000'000);
}

TEST_CASE("a new file replaces a symlink, not what that points to", "[sys]") {
  const Trap trap;
  auto file = NewFile::create(*trap.open(Reach::anywhere).find_place("climbing"), "climbing");
  REQUIRE(file->write("mine"));
  REQUIRE(file->commit({}, Durability::lazy));
  CHECK(trap.folder.read("secret") == "secret");
  CHECK(trap.folder.read("root/climbing") == "mine");
}

TEST_CASE("a file does not replace a folder", "[sys]") {
  const Trap trap;
  auto file = NewFile::create(*trap.open(Reach::as_root).find_place("etc"), "/etc");
  const auto done = file->commit({}, Durability::lazy);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == EISDIR);
  CHECK(done.error().message == "cannot write /etc: Is a directory");
  CHECK(std::distance(fs::directory_iterator(trap.root), {}) == 6);
}

TEST_CASE("removing a tree follows no link out of it", "[sys]") {
  const Trap trap;
  for (int i = 0; i < 700; ++i) trap.folder.write("root/etc/" + std::to_string(i), "x");
  fs::create_directories(trap.root + "/etc/a/b/c");
  fs::create_directory_symlink(trap.folder.path(), trap.root + "/etc/out");
  TreeRemoval removal(*Folder::open(trap.folder.path(), Reach::as_root)->find_place("root"), "root");
  int steps = 0;
  for (bool is_done = false; !is_done; ++steps) {
    const auto step = removal.step();
    REQUIRE(step);
    is_done = *step;
  }
  CHECK(steps > 2);
  CHECK_FALSE(fs::exists(trap.root));
  CHECK(trap.folder.read("secret") == "secret");
}

TEST_CASE("a folder's names are read without those of itself and its parent", "[sys]") {
  const Trap trap;
  DirectoryReader reader(*trap.open(Reach::as_root).open("/", O_RDONLY | O_DIRECTORY));
  std::vector<std::string> names;
  for (auto name = reader.next(); name && *name; name = reader.next()) names.push_back(**name);
  std::sort(names.begin(), names.end());
  CHECK(names == std::vector<std::string>{"absolute", "climbing", "etc", "inner", "loop", "magic"});
}

}  // namespace kestrel::sys
