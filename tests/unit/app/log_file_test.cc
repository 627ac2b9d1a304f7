#include "kestrel/app/log_file.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <memory>
#include <vector>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::app {
namespace {

using control::LogStream;
namespace fs = std::filesystem;

std::vector<std::string> warnings;

/// A file in a folder that does not exist yet, and a clock that stands still.
class Bench {
 public:
  explicit Bench(config::Rotation rotation = {}) {
    char name[] = "/tmp/log-file-XXXXXX";
    folder = ::mkdtemp(name);
    path = folder + "/var/log/web.log";
    file = std::make_unique<LogFile>(path, rotation, [this] { return now; });
    warnings.clear();
    set_log_sink([](LogLevel, std::string_view line) { warnings.emplace_back(line); }, LogLevel::warning);
  }
  ~Bench() {
    file.reset();
    set_log_sink(nullptr, LogLevel::error);
    fs::remove_all(folder);
  }

  void print(std::initializer_list<std::string_view> lines, LogStream stream = LogStream::standard_output) {
    LogFile::Batch batch(*file, WallTime(seconds(1)), stream);
    for (const auto line : lines) batch.add(line);
  }
  [[nodiscard]] std::string content(int age = 0) const {
    return sys::read_file(age == 0 ? path : concat(path, '.', age), mebibytes(64)).value_or("(none)");
  }
  /// What is in the files, oldest first, without time and stream.
  [[nodiscard]] std::string lines(int oldest) const {
    std::string all;
    for (int age = oldest; age >= 0; --age) {
      const std::string text = content(age);
      for (const auto line : split(text, '\n'))
        if (!line.empty()) all += concat(line.substr(line.rfind(' ') + 1), ' ');
    }
    return all;
  }

  std::string folder;
  std::string path;
  MonotonicTime now{hours(1)};
  std::unique_ptr<LogFile> file;
};

TEST_CASE("a line in a log file has its time and stream before it", "[app]") {
  Bench bench;
  bench.print({"hello"});
  bench.print({"", "trouble"}, LogStream::standard_error);
  CHECK(bench.content() ==
        "1970-01-01T00:00:01.000Z stdout hello\n"
        "1970-01-01T00:00:01.000Z stderr \n"
        "1970-01-01T00:00:01.000Z stderr trouble\n");
}

TEST_CASE("a log file is made with its folder when the first line comes, and is not for everybody", "[app]") {
  Bench bench;
  CHECK(!fs::exists(bench.folder + "/var"));
  bench.print({"hello"});
  struct stat status {};
  REQUIRE(::stat(bench.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777U & ~0640U) == 0);
}

TEST_CASE("what is in a log file already stays", "[app]") {
  Bench bench;
  bench.print({"one"});
  bench.file = std::make_unique<LogFile>(bench.path, config::Rotation{});
  bench.print({"two"});
  CHECK(bench.lines(0) == "one two ");
}

TEST_CASE("bytes that are no text are in the log file as they are", "[app]") {
  Bench bench;
  bench.print({std::string_view("a\0b\xff\x1b", 5)});
  CHECK(bench.content() == std::string("1970-01-01T00:00:01.000Z stdout a\0b\xff\x1b\n", 38));
}

TEST_CASE("a log file that would grow beyond its size is rotated, and the oldest goes", "[app]") {
  Bench bench({.size = {80}, .keep = 2});  // two lines of 38 bytes each
  for (const auto* line : {"line-1", "line-2", "line-3", "line-4", "line-5", "line-6", "line-7"})
    bench.print({line});
  CHECK(bench.lines(2) == "line-3 line-4 line-5 line-6 line-7 ");
  CHECK(!fs::exists(concat(bench.path, ".3")));
  CHECK(bench.file->lost() == 0);
}

TEST_CASE("one batch is spread over as many files as it needs", "[app]") {
  Bench bench({.size = {80}, .keep = 9});
  bench.print({"line-1", "line-2", "line-3", "line-4", "line-5"});
  CHECK(bench.lines(2) == "line-1 line-2 line-3 line-4 line-5 ");
  CHECK(fs::file_size(bench.path + ".1") <= 80);
}

TEST_CASE("with nothing to keep a full log file begins anew", "[app]") {
  Bench bench({.size = {80}, .keep = 0});
  bench.print({"line-1", "line-2", "line-3"});
  CHECK(bench.lines(0) == "line-3 ");
  CHECK(!fs::exists(bench.path + ".1"));
}

TEST_CASE("a line longer than a log file may be has a file of its own", "[app]") {
  Bench bench({.size = {80}, .keep = 9});
  bench.print({"short", std::string(5000, 'x'), "short"});
  CHECK(bench.content(1).size() == 5000 + 33);
  CHECK(bench.lines(0) == "short ");
}

TEST_CASE("a batch may hold more than its buffer", "[app]") {
  Bench bench;
  const std::string line(control::longest_log_line, 'x');
  {
    LogFile::Batch batch(*bench.file, WallTime(seconds(1)), LogStream::standard_output);
    for (int i = 0; i < 20; ++i) batch.add(line);
  }
  CHECK(bench.content().size() == 20 * (line.size() + 33));
}

TEST_CASE("lines for a log file that cannot be opened are counted, with one warning", "[app]") {
  Bench bench;
  { auto blocker = sys::UniqueFd(::open((bench.folder + "/var").c_str(), O_CREAT | O_WRONLY, 0600)); }
  bench.print({"one", "two"});
  bench.print({"three"});
  bench.now += seconds(2);
  bench.print({"four"});
  CHECK(bench.file->lost() == 4);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].find("Not a directory") != std::string::npos);
}

TEST_CASE("a log file that failed is tried again after a second, and the gap is told", "[app]") {
  Bench bench;
  { auto blocker = sys::UniqueFd(::open((bench.folder + "/var").c_str(), O_CREAT | O_WRONLY, 0600)); }
  bench.print({"lost"});
  fs::remove(bench.folder + "/var");
  bench.print({"too-early"});
  CHECK(!fs::exists(bench.path));
  bench.now += seconds(1);
  bench.print({"back"});
  CHECK(bench.lines(0) == "back ");
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[1] == concat(bench.path, " can be written again; 2 lines are not in it"));
}

TEST_CASE("a write that ends in the middle of a line leaves no half line behind", "[app]") {
  Bench bench;
  bench.print({"line-1"});
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  const rlimit small{100, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  bench.print({"line-2", "line-3", "line-4"});
  ::setrlimit(RLIMIT_FSIZE, &before);
  CHECK(bench.lines(0) == "line-1 line-2 ");
  CHECK(bench.file->lost() == 2);
  bench.now += seconds(1);
  bench.print({"line-5"});
  CHECK(bench.lines(0) == "line-1 line-2 line-5 ");
}

TEST_CASE("a log file that was moved away is begun anew within a second", "[app]") {
  Bench bench;
  bench.print({"one"});
  fs::rename(bench.path, bench.path + ".old");
  bench.print({"two"});
  bench.now += seconds(1);
  bench.print({"three"});
  CHECK(bench.lines(0) == "three ");
  CHECK(sys::read_file(bench.path + ".old")->ends_with("two\n"));
}

TEST_CASE("a link in a log file's place is not followed", "[app]") {
  Bench bench;
  fs::create_directories(fs::path(bench.path).parent_path());
  fs::create_symlink(bench.folder + "/victim", bench.path);
  bench.print({"evil"});
  CHECK(bench.file->lost() == 1);
  CHECK(!fs::exists(bench.folder + "/victim"));
}

TEST_CASE("a pipe in a log file's place is refused, and nobody waits for its reader", "[app]") {
  Bench bench;
  fs::create_directories(fs::path(bench.path).parent_path());
  REQUIRE(::mkfifo(bench.path.c_str(), 0600) == 0);
  bench.print({"one"});
  CHECK(bench.file->lost() == 1);
  const sys::UniqueFd reader(::open(bench.path.c_str(), O_RDONLY | O_NONBLOCK));
  bench.now += seconds(1);
  bench.print({"two"});
  CHECK(bench.file->lost() == 2);
}

TEST_CASE("lines that were lost to the end are told when the log file goes", "[app]") {
  Bench bench;
  { auto blocker = sys::UniqueFd(::open((bench.folder + "/var").c_str(), O_CREAT | O_WRONLY, 0600)); }
  bench.print({"one", "two"});
  bench.file.reset();
  REQUIRE(warnings.size() == 2);
  CHECK(warnings[1] == concat("the last 2 lines are not in ", bench.path));
}

}  // namespace
}  // namespace kestrel::app
