#include "kestrel/wire/tar.h"

#include <catch2/catch.hpp>
#include <cerrno>
#include <vector>

#include "kestrel/base/text.h"

namespace kestrel::wire {
namespace {

/// All that an archive says, read in pieces of this size.
struct Contents {
  std::vector<TarMember> members;
  std::vector<std::string> data;  ///< of each member
  std::vector<std::string> problems;
  std::optional<Error> error;
  bool has_ended = false;
};

Contents read(std::string_view archive, std::size_t piece = 1'000'000) {
  Contents contents;
  TarReader reader;
  while (!archive.empty() && !contents.error) {
    std::string_view front = archive.substr(0, piece);
    archive.remove_prefix(front.size());
    for (;;) {
      auto item = reader.next(front);
      if (!item) contents.error = item.error();
      if (!item || !*item) break;
      if (auto* member = std::get_if<TarMember>(&**item)) {
        contents.members.push_back(*member);
        contents.data.emplace_back();
      } else if (auto* bytes = std::get_if<TarData>(&**item)) {
        contents.data.back() += bytes->bytes;
      } else {
        contents.problems.push_back(std::get<TarProblem>(**item).message);
      }
    }
  }
  contents.has_ended = reader.has_ended();
  return contents;
}

std::string file(std::string name, std::string_view data) {
  TarMember member{.name = std::move(name), .target = {}, .size = {data.size()}};
  return concat(tar_header(member), data, std::string(tar_padding(member.size), '\0'));
}

/// A header with another byte in it, and the checksum that fits.
std::string tampered(std::string header, std::size_t at, std::string_view text) {
  header.replace(at, text.size(), text);
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  std::string digits;
  for (int i = 0; i < 6; ++i, sum /= 8) digits.insert(digits.begin(), static_cast<char>('0' + sum % 8));
  return header.replace(148, 7, digits + std::string(1, '\0'));
}

constexpr std::size_t size_at = 124;
constexpr std::size_t type_at = 156;

}  // namespace

TEST_CASE("what is written to an archive reads as itself, in any pieces", "[wire]") {
  using Type = TarMember::Type;
  const std::string deep = std::string(120, 'a') + "/" + std::string(80, 'b');
  const std::string longer = deep + "/" + std::string(250, 'c');
  const std::vector<TarMember> members = {
      {.name = "plain", .target = {}, .mode = 04755, .uid = 7, .gid = 8, .size = {3}, .mtime = 1'700'000'000},
      {.type = Type::folder, .name = deep, .target = {}, .mode = 01777},
      {.name = longer, .target = {}, .mode = 0600, .uid = 4'000'000'000, .gid = 3'000'000, .mtime = -5},
      {.type = Type::folder, .name = std::string(100, 'd'), .target = {}},
      {.type = Type::symlink, .name = "link", .target = "../" + longer, .mode = 0777},
      {.type = Type::hard_link, .name = "hard", .target = "plain"},
      {.type = Type::character_device, .name = "tty", .target = {}, .device_major = 5, .device_minor = 1},
      {.type = Type::block_device, .name = "disk", .target = {}, .device_major = 254, .device_minor = 16},
      {.type = Type::fifo, .name = "fifo", .target = {}, .mtime = 8'589'934'592}};
  std::string archive;
  for (const TarMember& member : members) {
    archive += tar_header(member);
    if (member.size.count > 0) archive += "abc" + std::string(tar_padding(member.size), '\0');
  }
  archive += tar_end();
  const std::size_t piece = GENERATE(1, 511, 512, 1'000'000);
  const Contents contents = read(archive, piece);
  CHECK_FALSE(contents.error);
  CHECK(contents.members == members);
  CHECK(contents.data[0] == "abc");
  CHECK(contents.has_ended);
}

TEST_CASE("a file of terabytes is announced with its size", "[wire]") {
  const TarMember member{.name = "huge", .target = {}, .size = {5ULL << 40}};
  const Contents contents = read(tar_header(member) + "x");
  REQUIRE(contents.members.size() == 1);
  CHECK(contents.members[0].size == member.size);
  CHECK(contents.data[0] == "x");
  CHECK_FALSE(contents.has_ended);
}

TEST_CASE("data are padded to whole blocks and empty files have none", "[wire]") {
  CHECK(tar_padding({0}) == 0);
  CHECK(tar_padding({1}) == 511);
  CHECK(tar_padding({512}) == 0);
  const std::string block(512, 'x');
  const Contents contents = read(concat(file("a", ""), file("b", block), file("c", "x"), tar_end()));
  CHECK(contents.data == std::vector<std::string>{"", block, "x"});
}

TEST_CASE("an archive that ends early has no end", "[wire]") {
  const std::string archive = concat(file("a", "data"), tar_end());
  CHECK(read(archive).has_ended);
  CHECK_FALSE(read(archive.substr(0, 600)).has_ended);
  CHECK_FALSE(read(archive.substr(0, 1024)).has_ended);
  CHECK(read(archive + "whatever follows").members.size() == 1);
}

TEST_CASE("a problem is told in its place, and to nobody else", "[wire]") {
  const std::string message = "cannot read /x y: Input/output error";
  const Contents contents = read(concat(file("a", "1"), tar_problem(message), file("b", "2"), tar_end()));
  CHECK(contents.members.size() == 2);
  CHECK(contents.problems == std::vector<std::string>{message});
}

TEST_CASE("what is no archive is refused", "[wire]") {
  CHECK(read(std::string(512, 'x')).error->code == EBADMSG);
  std::string damaged = file("a", "data");
  damaged[3] = 'x';
  CHECK_THAT(read(damaged).error->message, Catch::Contains("checksum"));
}

TEST_CASE("numbers that make no sense are refused", "[wire]") {
  const std::string header = file("a", "");
  for (const std::size_t at : {100, 108, 116, 124, 136}) CHECK(read(tampered(header, at, "0009")).error);
  CHECK(read(tampered(header, size_at, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")).error);
  CHECK(read(tampered(header, size_at, "\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff")).error);
}

TEST_CASE("extended headers that are damaged or endless are refused", "[wire]") {
  const auto pax = [](std::string_view records) {
    std::string header = tampered(file("PaxHeader", ""), type_at, "x");
    char digits[12];
    std::snprintf(digits, sizeof digits, "%011zo", records.size());
    header = tampered(header, size_at, digits);
    return concat(header, records, std::string(tar_padding({records.size()}), '\0'), file("a", ""));
  };
  CHECK_FALSE(read(pax("9 path=b\n")).error);
  for (const std::string_view records :
       {"path=b\n", "0 path=b\n", "99 path=b\n", "9 path=bb", "9 path bb", "7 size=\n", "8 size=x\n",
        "11 size=-77\n", "22 GNU.sparse.major=1\n", "-9 path=b\n", "3 \n"}) {
    INFO(records);
    CHECK(read(pax(records)).error);
  }
  CHECK(read(pax(std::string_view("10 path=a\0\n", 11))).error);
  CHECK_THAT(read(tampered(tampered(file("x", ""), type_at, "x"), size_at, "77777777777")).error->message,
             Catch::Contains("too long"));
}

TEST_CASE("a kind of member that is unknown is refused, not taken for a file", "[wire]") {
  for (const char* type : {"S", "M", "V", "D", "?"})
    CHECK_THAT(read(tampered(file("a", ""), type_at, type)).error->message, Catch::Contains("not supported"));
}

}  // namespace kestrel::wire
