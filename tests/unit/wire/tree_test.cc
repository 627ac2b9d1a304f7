// Trees of files, into archives and out of them, and archives that mean harm.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <map>

#include "kestrel/base/text.h"
#include "kestrel/wire/tree_packer.h"
#include "kestrel/wire/tree_unpacker.h"
#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::wire {
namespace {

namespace fs = std::filesystem;
using test::TemporaryFolder;
using Type = TarMember::Type;

struct stat status_of(const std::string& path) {
  struct stat status {};
  CHECK(::lstat(path.c_str(), &status) == 0);
  return status;
}

struct Packed {
  std::string archive;
  std::vector<std::string> problems;
  std::size_t longest_piece = 0;
};

Packed pack(const std::string& path, PackOptions options, bool follows = false) {
  auto packer =
      TreePacker::open(*sys::Folder::open("/", sys::Reach::anywhere), path, follows, std::move(options));
  REQUIRE(packer);
  Packed packed;
  for (bool has_more = true; has_more;) {
    std::string piece;
    has_more = packer->produce(piece);
    packed.longest_piece = std::max(packed.longest_piece, piece.size());
    packed.archive += piece;
  }
  packed.archive += tar_end();
  packed.problems = packer->take_problems();
  return packed;
}

Result<void> unpack(const std::string& archive, const std::string& folder, UnpackOptions options = {},
                    sys::Reach reach = sys::Reach::below) {
  TreeUnpacker unpacker(*sys::Folder::open(folder, reach), folder, std::move(options));
  for (std::size_t at = 0; at < archive.size(); at += 1000) {
    if (auto taken = unpacker.take(std::string_view(archive).substr(at, 1000)); !taken) return taken;
  }
  return unpacker.finish();
}

std::string member(Type type, std::string name, std::string target = {}) {
  return tar_header({.type = type, .name = std::move(name), .target = std::move(target)});
}
std::string file(std::string name, std::string_view data) {
  const TarMember header{.name = std::move(name), .target = {}, .size = {data.size()}};
  return concat(tar_header(header), data, std::string(tar_padding(header.size), '\0'));
}

/// A folder to unpack into, and a secret beside it.
struct Victim {
  TemporaryFolder folder;
  std::string inside = folder.path("inside");
  Victim() {
    fs::create_directory(inside);
    folder.write("secret", "secret");
  }
  Error refusal(const std::string& archive, UnpackOptions options = {}) const {
    const auto done = unpack(archive + std::string(tar_end()), inside, std::move(options));
    REQUIRE_FALSE(done);
    CHECK(folder.read("secret") == "secret");
    CHECK(std::distance(fs::directory_iterator(folder.path()), {}) == 2);
    return done.error();
  }
};

}  // namespace

TEST_CASE("a tree comes out of an archive as it went in", "[wire]") {
  const TemporaryFolder from;
  const TemporaryFolder to;
  const std::string deep = std::string(150, 'a') + "/" + std::string(150, 'b');
  fs::create_directories(from.path("tree/" + deep));
  from.write("tree/empty", "");
  from.write("tree/" + deep + "/file", std::string(200'000, 'x') + "end");
  fs::create_symlink("../nowhere", from.path("tree/link"));
  REQUIRE(::chmod(from.path("tree/empty").c_str(), 04711) == 0);
  REQUIRE(::chmod(from.path("tree/" + deep).c_str(), 0555) == 0);
  const timespec times[2] = {{1'000'000'000, 0}, {1'000'000'000, 0}};
  REQUIRE(::utimensat(AT_FDCWD, from.path("tree").c_str(), times, 0) == 0);

  const Packed packed = pack(from.path("tree"), {.top = "tree"});
  CHECK(packed.problems.empty());
  REQUIRE(unpack(packed.archive, to.path()));
  CHECK(to.read("tree/" + deep + "/file") == std::string(200'000, 'x') + "end");
  CHECK(fs::read_symlink(to.path("tree/link")) == "../nowhere");
  CHECK((status_of(to.path("tree/empty")).st_mode & 07777) == 04711);
  CHECK((status_of(to.path("tree/" + deep)).st_mode & 07777) == 0555);
  CHECK(status_of(to.path("tree")).st_mtime == 1'000'000'000);
}

TEST_CASE("an archive is made in small pieces, however large the file", "[wire]") {
  const TemporaryFolder from;
  std::ofstream(from.path("big")).close();
  fs::resize_file(from.path("big"), 10'000'001);
  const Packed packed = pack(from.path("big"), {.top = "big"});
  CHECK(packed.archive.size() > 10'000'000);
  CHECK(packed.longest_piece < 160 * 1024);
}

TEST_CASE("the archive's name for the top is what was asked for", "[wire]") {
  const TemporaryFolder from;
  const TemporaryFolder to;
  fs::create_directory(from.path("tree"));
  from.write("tree/file", "x");
  fs::create_symlink("tree", from.path("link"));
  REQUIRE(unpack(pack(from.path("tree"), {.top = "other"}).archive, to.path()));
  CHECK(to.read("other/file") == "x");
  REQUIRE(unpack(pack(from.path("tree"), {.top = "."}).archive, to.path()));
  CHECK(to.read("file") == "x");
  REQUIRE(unpack(pack(from.path("link"), {.top = "link"}).archive, to.path()));
  CHECK(fs::is_symlink(to.path("link")));
  REQUIRE(unpack(pack(from.path("link"), {.top = "followed"}, true).archive, to.path()));
  CHECK(to.read("followed/file") == "x");
}

TEST_CASE("the owner in an archive is the one that was asked for", "[wire]") {
  const TemporaryFolder from;
  from.write("file", "x");
  TarReader reader;
  const std::string archive = pack(from.path("file"), {.top = "f", .owner = sys::Owner{12, 34}}).archive;
  std::string_view rest = archive;
  const auto item = reader.next(rest);
  CHECK(std::get<TarMember>(**item).uid == 12);
  CHECK(std::get<TarMember>(**item).gid == 34);
}

TEST_CASE("what cannot be packed is an error where nothing has been said yet", "[wire]") {
  const auto folder = sys::Folder::open("/", sys::Reach::anywhere);
  CHECK(TreePacker::open(*folder, "/nonexistent", true, {.top = "x"}).error().code == ENOENT);
}

TEST_CASE("members whose names lead out are refused", "[wire]") {
  const Victim victim;
  CHECK(victim.refusal(file("/etc/kestrel-test", "x")).message ==
        "cannot unpack /etc/kestrel-test: its name is absolute");
  CHECK(victim.refusal(file("../secret", "x")).message ==
        "cannot unpack ../secret: its name leads out of the folder");
  CHECK(victim.refusal(file("a/../../secret", "x")).code == EXDEV);
  CHECK(victim.refusal(member(Type::folder, "a/..")).code == EXDEV);
  CHECK(victim.refusal(member(Type::symlink, "..", "x")).code == EXDEV);
  CHECK(victim.refusal(file(victim.folder.path("secret"), "x")).code == EXDEV);
}

TEST_CASE("no member gets out through a symlink that came before it", "[wire]") {
  for (const std::string target : {"..", "/", "/tmp", "../inside/..", "/proc/self/cwd"}) {
    const Victim victim;
    INFO(target);
    const std::string link = member(Type::symlink, "link", target);
    CHECK(victim.refusal(link + file("link/secret", "x")).code == EXDEV);
    CHECK(victim.refusal(link + member(Type::folder, "link/folder")).code == EXDEV);
    CHECK(victim.refusal(link + member(Type::folder, "link") + file("link/secret", "x")).code == EXDEV);
    CHECK(victim.refusal(link + member(Type::symlink, "link/secret", "x")).code == EXDEV);
    CHECK(victim.refusal(link + member(Type::hard_link, "link/secret", "link")).code == EXDEV);
  }
}

TEST_CASE("a link to a link leads out no more than one does", "[wire]") {
  const Victim victim;
  const std::string links = member(Type::folder, "d") + member(Type::symlink, "d/up", "..") +
                            member(Type::symlink, "out", "d/up/..");
  CHECK(victim.refusal(links + file("out/secret", "x")).code == EXDEV);
}

TEST_CASE("a file takes the place of a symlink, and leaves alone what that points to", "[wire]") {
  const Victim victim;
  const std::string archive =
      concat(member(Type::symlink, "link", "../secret"), file("link", "mine"), tar_end());
  REQUIRE(unpack(archive, victim.inside));
  CHECK(victim.folder.read("secret") == "secret");
  CHECK(victim.folder.read("inside/link") == "mine");
  CHECK_FALSE(fs::is_symlink(victim.inside + "/link"));
}

TEST_CASE("a hard link leads to a member of the folder only", "[wire]") {
  const Victim victim;
  CHECK(victim.refusal(member(Type::hard_link, "hard", "../secret")).code == EXDEV);
  CHECK(victim.refusal(member(Type::hard_link, "hard", victim.folder.path("secret"))).code == EXDEV);
  CHECK(
      victim.refusal(member(Type::symlink, "up", "..") + member(Type::hard_link, "hard", "up/secret")).code ==
      EXDEV);
  // Of a symlink it is the symlink that is linked.
  REQUIRE(unpack(concat(member(Type::symlink, "soft", "../secret"), member(Type::hard_link, "both", "soft"),
                        file("both", "mine"), file("a", "data"), member(Type::hard_link, "b", "a"),
                        member(Type::hard_link, "b", "a"), tar_end()),
                 victim.inside));
  CHECK(victim.folder.read("secret") == "secret");
  CHECK(status_of(victim.inside + "/a").st_ino == status_of(victim.inside + "/b").st_ino);
  CHECK(std::distance(fs::directory_iterator(victim.inside), {}) == 5);
}

TEST_CASE("devices and pipes are refused unless asked for", "[wire]") {
  const Victim victim;
  for (const Type type : {Type::character_device, Type::block_device, Type::fifo})
    CHECK(victim.refusal(member(type, "special")).code == EPERM);
  REQUIRE(unpack(concat(member(Type::fifo, "pipe"), tar_end()), victim.inside, {.takes_devices = true}));
  CHECK(S_ISFIFO(status_of(victim.inside + "/pipe").st_mode));
}

TEST_CASE("only what was asked for is taken", "[wire]") {
  const Victim victim;
  const UnpackOptions options{.only = "wanted"};
  CHECK(victim.refusal(file(".bashrc", "x"), options).message ==
        "cannot unpack .bashrc: it was not asked for");
  CHECK(victim.refusal(file("wantedmore", "x"), options).code == EXDEV);
  CHECK(victim.refusal(member(Type::folder, "."), options).code == EXDEV);
  fs::create_directory(victim.inside + "/.ssh");
  const std::string archive =
      concat(member(Type::symlink, "wanted", ".ssh"), file("wanted/keys", "x"), tar_end());
  CHECK(unpack(archive, victim.inside, options, sys::Reach::below_unlinked).error().code == ELOOP);
  CHECK_FALSE(fs::exists(victim.folder.path("inside/.ssh/keys")));
}

TEST_CASE("folders that were there keep their mode, and what is missing above a file is made", "[wire]") {
  const Victim victim;
  fs::create_directory(victim.inside + "/old");
  REQUIRE(::chmod((victim.inside + "/old").c_str(), 01777) == 0);
  const std::string folder = tar_header({.type = Type::folder, .name = "old", .target = {}, .mode = 0700});
  const std::string top = tar_header({.type = Type::folder, .name = ".", .target = {}, .mode = 0700});
  REQUIRE(
      unpack(concat(top, folder, file("old/file", "x"), file("new/er/file", "y"), tar_end()), victim.inside));
  CHECK((status_of(victim.inside + "/old").st_mode & 07777) == 01777);
  CHECK((status_of(victim.inside).st_mode & 07777) != 0700);
  CHECK(victim.folder.read("inside/new/er/file") == "y");
}

TEST_CASE("a file and a folder do not replace each other", "[wire]") {
  const Victim victim;
  fs::create_directories(victim.inside + "/folder/below");
  victim.folder.write("inside/file", "x");
  CHECK(victim.refusal(file("folder", "x")).code == EISDIR);
  CHECK(victim.refusal(member(Type::symlink, "folder", "x")).code == EISDIR);
  CHECK(victim.refusal(member(Type::folder, "file")).code == ENOTDIR);
  CHECK(std::distance(fs::directory_iterator(victim.inside), {}) == 2);
}

TEST_CASE("an archive that is cut off leaves no part of a file", "[wire]") {
  const Victim victim;
  const std::string archive = file("whole", "x") + file("half", std::string(5000, 'y'));
  CHECK(unpack(archive.substr(0, 3000), victim.inside).error().message ==
        "cannot read the archive: it ends too early");
  CHECK(std::distance(fs::directory_iterator(victim.inside), {}) == 1);
  CHECK(unpack(archive, victim.inside).error().code == EBADMSG);
}

TEST_CASE("special bits stay only where they are wanted", "[wire]") {
  const Victim victim;
  const std::string archive = concat(tar_header({.name = "s", .target = {}, .mode = 06755}), tar_end());
  REQUIRE(unpack(archive, victim.inside));
  CHECK((status_of(victim.inside + "/s").st_mode & 07777) == 06755);
  REQUIRE(unpack(archive, victim.inside, {.keeps_special_bits = false}));
  CHECK((status_of(victim.inside + "/s").st_mode & 07777) == 0755);
}

TEST_CASE("names of members are paths below the folder", "[wire]") {
  CHECK(*member_path("./a//b/./c/") == "a/b/c");
  CHECK(member_path("./")->empty());
  CHECK(*member_path("..a/b..") == "..a/b..");
  CHECK_FALSE(member_path(""));
  CHECK_FALSE(member_path(std::string_view("a\0b", 3)));
}

}  // namespace kestrel::wire
