#include "kestrel/app/check_command.h"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <filesystem>

using kestrel::app::run_check;

namespace {

const auto configurations = std::filesystem::path(__FILE__).parent_path() / ".." / "config";
const std::string valid = (configurations / "good" / "rest-api.yaml").string();
const std::string invalid = (configurations / "bad" / "154-many-at-once.yaml").string();

/// What is written to `stream` while this lives.
class Captured {
 public:
  explicit Captured(std::FILE* stream) : stream_(stream), kept_(dup(fileno(stream))), file_(std::tmpfile()) {
    std::fflush(stream_);
    dup2(fileno(file_), fileno(stream_));
  }
  ~Captured() {
    restore();
    std::fclose(file_);
  }
  Captured(const Captured&) = delete;
  Captured& operator=(const Captured&) = delete;

  std::string text() {
    restore();
    std::rewind(file_);
    std::string all(65536, '\0');
    all.resize(std::fread(all.data(), 1, all.size(), file_));
    return all;
  }

 private:
  void restore() {
    if (kept_ < 0) return;
    std::fflush(stream_);
    dup2(kept_, fileno(stream_));
    close(kept_);
    kept_ = -1;
  }

  std::FILE* stream_;
  int kept_;
  std::FILE* file_;
};

}  // namespace

TEST_CASE("check sums up a valid configuration on stdout", "[app]") {
  Captured out(stdout);
  const int status = run_check(valid, std::nullopt, false);
  CHECK(out.text() == valid + ": ok, 1 service, 1 job\n");
  CHECK(status == 0);
}

TEST_CASE("check prints a line a problem and their number on stderr", "[app]") {
  Captured errors(stderr);
  const int status = run_check(invalid, std::nullopt, false);
  const std::string text = errors.text();
  CHECK(text.starts_with(invalid + ":7:10: version 9 is not known"));
  CHECK(text.ends_with("\n6 problems\n"));
  CHECK(status == 1);
}

TEST_CASE("check reports to machines in one JSON object", "[app]") {
  Captured out(stdout);
  const int status = run_check("/nonexistent", std::nullopt, true);
  CHECK(out.text() == R"({"file":"/nonexistent","ok":false,"problems":[{"column":0,"line":0,)"
                      R"("message":"cannot read /nonexistent: No such file or directory"}]})"
                      "\n");
  CHECK(status == 1);
}

TEST_CASE("check with a root fails when that root lacks the programs", "[app]") {
  Captured errors(stderr);
  const int status = run_check(valid, "/nonexistent", false);
  CHECK(errors.text().ends_with("service 'api': cannot run /bin/api: it does not exist\n2 problems\n"));
  CHECK(status == 1);
}
