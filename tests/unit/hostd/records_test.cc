#include <catch2/catch.hpp>

#include "hostd/records/record_log.h"
#include "hostd/records/record_reader.h"
#include "kestrel/base/text.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

/// Small, so that a few records fill a file.
constexpr LogLimits tiny{{200}, 3};

std::string all_of(RecordReader& reader) {
  std::string all;
  for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) all += more;
  return all;
}

std::string read_all(const RecordLog& log, RecordFilter filter = {}) {
  RecordReader reader(log.path(), log.files(), std::move(filter));
  return all_of(reader);
}

RecordLog open_log(const TemporaryFolder& folder, LogLimits limits = {}) {
  auto log = RecordLog::open(folder.file("log"), limits);
  REQUIRE(log);
  return std::move(*log);
}

void append(RecordLog& log, int count, std::string_view service = "a") {
  for (int i = 0; i < count; ++i) REQUIRE(log.append(concat("\"service\":\"", service, '"')));
}

}  // namespace

TEST_CASE("a full file is rotated, and the oldest goes", "[hostd]") {
  const TemporaryFolder folder;
  auto file = RotatingFile::open(folder.file("f"), {{10}, 2});
  REQUIRE(file);
  for (const auto* text : {"11111\n", "22222\n", "33333\n"}) REQUIRE(file->append(text));
  CHECK(folder.read("f") == "33333\n");
  CHECK(folder.read("f.1") == "22222\n");
  CHECK_FALSE(folder.has("f.2"));
}

TEST_CASE("with one file, rotation begins it anew", "[hostd]") {
  const TemporaryFolder folder;
  auto file = RotatingFile::open(folder.file("f"), {{10}, 1});
  REQUIRE(file);
  for (const auto* text : {"11111\n", "22222\n"}) REQUIRE(file->append(text));
  CHECK(folder.read("f") == "22222\n");
  CHECK_FALSE(folder.has("f.1"));
}

TEST_CASE("what is longer than a file may be is written whole all the same", "[hostd]") {
  const TemporaryFolder folder;
  auto file = RotatingFile::open(folder.file("f"), {{10}, 2});
  REQUIRE(file);
  REQUIRE(file->append(std::string(100, 'x')));
  CHECK(folder.read("f").size() == 100);
}

TEST_CASE("records are numbered from one and read in order", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder);
  append(log, 2);
  CHECK(read_all(log) == "{\"seq\":1,\"service\":\"a\"}\n{\"seq\":2,\"service\":\"a\"}\n");
}

TEST_CASE("a reader can begin behind a number, with the last few, and with one service", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder);
  append(log, 2, "a");
  append(log, 2, "b");
  append(log, 1, "a");
  CHECK(read_all(log, {3, "", {}}) == "{\"seq\":4,\"service\":\"b\"}\n{\"seq\":5,\"service\":\"a\"}\n");
  CHECK(read_all(log, {0, "", 1}) == "{\"seq\":5,\"service\":\"a\"}\n");
  CHECK(read_all(log, {0, "b", 1}) == "{\"seq\":4,\"service\":\"b\"}\n");
  CHECK(read_all(log, {0, "a", 2}) == "{\"seq\":2,\"service\":\"a\"}\n{\"seq\":5,\"service\":\"a\"}\n");
  CHECK(read_all(log, {0, "", 0}).empty());
  CHECK(read_all(log, {0, "", 100}).size() == read_all(log).size());
}

TEST_CASE("a service's name inside a line is not its record", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder);
  REQUIRE(log.append(R"("line":"\"service\":\"b\"","service":"a")"));
  CHECK(read_all(log, {0, "b", {}}).empty());
}

TEST_CASE("a reader reads on across rotations", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder, tiny);
  RecordReader reader(log.path(), log.files(), {});
  std::uint64_t expected = 0;
  for (int round = 0; round < 20; ++round) {
    append(log, 3);
    const std::string lines = all_of(reader);
    for (const auto line : split(trim(lines), '\n')) CHECK(seq_of(line) == ++expected);
  }
  CHECK(expected == 60);
}

TEST_CASE("a reader that rotation has overtaken is told what is missing", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder, tiny);
  append(log, 1);
  RecordReader reader(log.path(), log.files(), {});
  CHECK(all_of(reader) == "{\"seq\":1,\"service\":\"a\"}\n");
  append(log, 100);
  const std::string rest = all_of(reader);
  CHECK(rest.find("{\"gap\":{\"first\":") != std::string::npos);
  CHECK(rest.find("{\"seq\":101,") != std::string::npos);
}

TEST_CASE("a log that is opened again goes on behind its last whole record", "[hostd]") {
  const TemporaryFolder folder;
  {
    RecordLog log = open_log(folder, tiny);
    append(log, 20);
  }
  folder.write("log", folder.read("log") + "{\"seq\":21,\"service\":\"a");
  RecordLog log = open_log(folder, tiny);
  CHECK(log.last_seq() == 20);
  append(log, 1, "b");
  const std::string all = read_all(log);
  CHECK(all.ends_with("{\"seq\":20,\"service\":\"a\"}\n{\"seq\":21,\"service\":\"b\"}\n"));
}

TEST_CASE("a log of which only a rotated file is left goes on behind that", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("log.1", "{\"seq\":41,\"a\":1}\n");
  CHECK(open_log(folder, tiny).last_seq() == 41);
}

TEST_CASE("who asks for what comes after a number is told what is missing of it", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder, tiny);
  append(log, 100);
  const std::string from_the_start = read_all(log, {0, "", {}});
  CHECK(from_the_start.starts_with("{\"gap\":{\"first\":1,\"last\":"));
  CHECK(read_all(log, {3, "", {}}).starts_with("{\"gap\":{\"first\":4,\"last\":"));
  // Whoever wants what is there, or the last few, does not miss the rest.
  CHECK(read_all(log).starts_with("{\"seq\":"));
  CHECK(read_all(log, {0, "", 2}).starts_with("{\"seq\":99,"));
}

TEST_CASE("a record that is half written yet is not shown", "[hostd]") {
  const TemporaryFolder folder;
  folder.write("log", "{\"seq\":1,\"a\":1}\n{\"seq\":2,");
  RecordReader reader(folder.file("log"), 2, {});
  CHECK(all_of(reader) == "{\"seq\":1,\"a\":1}\n");
}

TEST_CASE("listeners hear of each record until they leave", "[hostd]") {
  const TemporaryFolder folder;
  RecordLog log = open_log(folder);
  int heard = 0;
  RecordLog::ListenerId id = 0;
  id = log.listen([&] {
    if (++heard == 2) log.forget(id);
  });
  append(log, 3);
  CHECK(heard == 2);
}
