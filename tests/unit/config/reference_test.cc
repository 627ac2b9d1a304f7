// docs/configuration.md against the readers of the configuration, and the defaults it tells against the
// model.
#include "kestrel/config/reference.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "kestrel/base/text.h"
#include "kestrel/config/load.h"
#include "kestrel/config/schema.h"

using namespace kestrel;
using namespace kestrel::config;
namespace fs = std::filesystem;

namespace {

std::string documentation() {
  std::ifstream stream(fs::path(__FILE__).parent_path() / "../../../docs/configuration.md");
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// What stands between two lines, or nullopt.
std::optional<std::string> between(std::string_view text, std::string_view first, std::string_view last) {
  const auto begin = text.find(first);
  if (begin == std::string_view::npos) return std::nullopt;
  const auto from = begin + first.size();
  const auto end = text.find(last, from);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(text.substr(from, end - from));
}

std::vector<std::string> examples_in(std::string_view text) {
  constexpr std::string_view fence = "```yaml\n";
  std::vector<std::string> found;
  while (const auto example = between(text, fence, "```\n")) {
    found.push_back(*example);
    text.remove_prefix(text.find(fence) + fence.size() + example->size() + 4);
  }
  return found;
}

std::string problems_of(const Loaded& loaded) {
  std::string lines;
  if (const auto* problems = std::get_if<Problems>(&loaded)) {
    for (const Problem& problem : *problems) lines += describe(problem, "") + '\n';
  }
  return lines;
}

// --- configurations made of the form that the readers tell ------------------------------------------------

/// A value that this form takes.
std::string sample(const Shape& shape);

/// The keys that a map must have, but for `name`.
std::string required_keys_but(const Shape& map, std::string_view name) {
  std::string keys;
  for (const auto& required : map.required) {
    const auto property = std::find_if(map.properties.begin(), map.properties.end(),
                                       [&](const auto& each) { return each.name == required; });
    if (required != name) keys += required + ": " + sample(property->shape) + ", ";
  }
  return keys;
}

std::string sample(const Shape& shape) {
  if (!shape.scalars.empty()) {
    const ScalarShape& scalar = shape.scalars.front();
    if (scalar.kind == ScalarShape::Kind::integer) return std::to_string(static_cast<int>(scalar.least));
    if (scalar.kind == ScalarShape::Kind::name) return "own";
    return scalar.kind == ScalarShape::Kind::path ? "/other" : "other";
  }
  if (shape.items) return "[" + sample(*shape.items) + "]";
  return "{" + required_keys_but(shape, "") + "}";
}

struct Default {
  std::string key;            ///< with all that leads to it
  std::string with, without;  /// configurations that differ in that key alone
};

/// What is to stand around a key: the text before and behind the map it is in.
void find_defaults(const Shape& map, const std::string& path, const std::string& before,
                   const std::string& behind, std::vector<Default>& found) {
  for (const Shape::Property& property : map.properties) {
    const auto& name = property.name;
    const auto value = std::string(property.notes.default_value);
    auto others = required_keys_but(map, name);
    // What belongs to a schedule is refused where there is none.
    if (name == "timezone" || name == "concurrency") others += "schedule: '@daily', ";
    if (!value.empty()) {
      found.push_back({path + name, before + "{" + others + name + ": " + value + "}" + behind,
                       before + "{" + others + "}" + behind});
    }
    const bool is_list = property.shape.properties.empty() && property.shape.items;
    const Shape& inner = is_list ? *property.shape.items : property.shape;
    std::string end = is_list ? "]}" : "}";
    if (path + name == "exec") end = ", {name: other, command: other}" + end;  // to depend on
    find_defaults(inner, path + name + (is_list ? "[]." : "."),
                  before + "{" + others + name + ": " + (is_list ? "[" : ""), end + behind, found);
  }
}

std::vector<std::string> keys_without_meaning(const Shape& shape, const std::string& path) {
  std::vector<std::string> keys;
  const Shape* const items = shape.items.get();
  for (const Shape* each : {&shape, items}) {
    if (!each) continue;
    for (const Shape::Property& property : each->properties) {
      if (property.notes.meaning.empty()) keys.push_back(path + property.name);
      for (auto& inner : keys_without_meaning(property.shape, path + property.name + '.'))
        keys.push_back(std::move(inner));
    }
  }
  return keys;
}

}  // namespace

TEST_CASE("the documentation has each table of keys as the readers tell it", "[config]") {
  const auto text = documentation();
  for (const KeyTable& table : key_tables()) {
    INFO("`make docs` puts the tables into docs/configuration.md");
    const auto written =
        between(text, concat("<!-- keys: ", table.heading, " -->\n\n"), "\n<!-- end of keys -->");
    CHECK(written.value_or("no table of " + std::string(table.heading)) == table.markdown);
  }
}

TEST_CASE("every key has a line that says what it means", "[config]") {
  CHECK(keys_without_meaning(shape_of_the_file(), "").empty());
}

TEST_CASE("a key that is given its documented default means the same as one that is left out", "[config]") {
  std::vector<Default> defaults;
  find_defaults(shape_of_the_file(), "", "", "", defaults);
  CHECK(defaults.size() >= 50);
  for (const Default& one : defaults) {
    INFO(one.key << "\n" << one.with);
    const auto with = load(one.with), without = load(one.without);
    CHECK(problems_of(with).empty());
    CHECK(problems_of(without).empty());
    if (std::holds_alternative<Model>(with)) CHECK(with == without);
  }
}

TEST_CASE("each example in the documentation is a configuration that loads", "[config]") {
  for (const auto& example : examples_in(documentation())) {
    INFO(example);
    CHECK(problems_of(load(example)).empty());
  }
}

TEST_CASE("the documentation has an example for each block of keys", "[config]") {
  const auto text = documentation();
  for (const KeyTable& table : key_tables()) {
    const auto marker = concat("<!-- keys: ", table.heading, " -->");
    const auto begin = text.find(marker);
    REQUIRE(begin != std::string::npos);
    INFO(table.heading << " needs an example between its table and the next one");
    const auto next = text.find("<!-- keys: ", begin + marker.size());
    CHECK_FALSE(examples_in(std::string_view(text).substr(begin, next - begin)).empty());
  }
}
