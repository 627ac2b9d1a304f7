// Whole files: those in bad/ must yield exactly the problems their first lines expect, those in good/ and
// config-examples/ must load. A new case is a new file.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "kestrel/base/text.h"
#include "kestrel/config/load.h"

using namespace kestrel;
using namespace kestrel::config;
namespace fs = std::filesystem;

namespace {

const fs::path here = fs::path(__FILE__).parent_path();
const fs::path source_root = here / ".." / ".." / "..";

std::vector<fs::path> files_below(const fs::path& folder, bool (*is_wanted)(const fs::path&)) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && is_wanted(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool is_yaml(const fs::path& file) { return file.extension() == ".yaml"; }

bool is_kestrel_config(const fs::path& file) {
  const std::string name = file.filename().string();
  return is_yaml(file) && (name == "config.yaml" || name.find("kestrel") != std::string::npos);
}

std::string problems_of(const Loaded& loaded) {
  std::string lines;
  if (const auto* problems = std::get_if<Problems>(&loaded)) {
    for (const Problem& problem : *problems) lines += describe(problem, "") + '\n';
  }
  return lines;
}

/// The problems in the form of problems_of(): `# expect: 3:5: message` at the top of the file.
std::string expected_problems(const fs::path& file) {
  constexpr std::string_view marker = "# expect: ";
  std::ifstream stream(file);
  std::string lines;
  for (std::string line; std::getline(stream, line) && line.starts_with(marker);) {
    lines += ':' + line.substr(marker.size()) + '\n';
  }
  return lines;
}

}  // namespace

TEST_CASE("each bad configuration yields exactly the problems it was written for", "[config]") {
  const auto files = files_below(here / "bad", is_yaml);
  REQUIRE(files.size() >= 150);
  for (const fs::path& file : files) {
    INFO(file.filename().string());
    const std::string expected = expected_problems(file);
    CHECK_FALSE(expected.empty());
    CHECK(problems_of(load_file(file.string())) == expected);
  }
}

TEST_CASE("each good configuration loads", "[config]") {
  const auto files = files_below(here / "good", is_yaml);
  REQUIRE(files.size() >= 5);
  for (const fs::path& file : files) {
    INFO(file.filename().string());
    CHECK(problems_of(load_file(file.string())).empty());
  }
}

TEST_CASE("each example configuration loads, but those that show what is wrong with one", "[config]") {
  for (const fs::path& file : files_below(source_root / "config-examples", is_kestrel_config)) {
    INFO(file.string());
    const bool is_meant_to_load = !file.parent_path().filename().string().starts_with("bad-");
    CHECK(problems_of(load_file(file.string())).empty() == is_meant_to_load);
  }
}
