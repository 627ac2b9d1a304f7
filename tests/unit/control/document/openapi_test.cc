// docs/openapi.yaml, docs/api.md and the routes against each other. That the server's answers are as the
// document says is checked with each call of the tests beside this one (api_bench.h).
#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/control/routes.h"
#include "tests/unit/control/document/api_document.h"

namespace kestrel::control::test {
namespace {

using nlohmann::json;

constexpr std::string_view tunnel = "CONNECT 127.0.0.1:PORT";

/// As GitHub and its like make them of headings.
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading) {
    if (c == ' ' || c == '-') anchor += '-';
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_')
      anchor += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return anchor;
}

struct Section {
  std::string anchor;
  std::string text;
};

/// Of docs/api.md, each with all below its heading; what stands above the first is one, too.
std::vector<Section> sections() {
  const std::string document = read_document("api.md");
  std::vector<Section> found{{}};
  for (const std::string_view line : split(document, '\n')) {
    if (line.starts_with("## ")) found.push_back({anchor_of(line.substr(3)), {}});
    found.back().text += concat(line, '\n');
  }
  return found;
}

/// A row of the table of all routes: | [`GET /v1/services/NAME`](#anchor) | what it does |
struct Row {
  std::string method, path;  ///< placeholders are `*`
  std::string anchor;
  std::string summary;
};

std::vector<Row> rows() {
  std::vector<Row> found;
  const std::string document = read_document("api.md");
  for (const std::string_view line : split(document, '\n')) {
    const auto cells = split(line, '|');
    if (cells.size() != 4 || !trim(cells[1]).starts_with("[`")) continue;
    const auto parts = split(trim(cells[1]), '`');
    const auto words = split(parts.at(1), ' ');
    std::string path(words.at(1));
    for (const std::string_view placeholder : {"NAME", "ID"}) {
      if (const auto at = path.find(placeholder); at != std::string::npos)
        path.replace(at, placeholder.size(), "*");
    }
    const std::string_view link = parts.at(2);
    found.push_back({std::string(words.at(0)), path, std::string(link.substr(3, link.size() - 4)),
                     std::string(trim(cells[2]))});
  }
  return found;
}

const json& operation_of(const Row& row) {
  const json* operation = ApiDocument::get().find(row.method, row.path);
  if (operation == nullptr)
    throw std::runtime_error(concat("docs/openapi.yaml lacks ", row.method, ' ', row.path));
  return *operation;
}

/// The JSON texts in the examples of a section: whole blocks, or lines of one.
std::vector<json> examples_in(std::string_view text) {
  std::vector<json> found;
  while (true) {
    const auto begin = text.find("```");
    if (begin == std::string_view::npos) return found;
    const auto first = text.find('\n', begin) + 1;
    const auto end = text.find("```", first);
    const std::string_view block = text.substr(first, end - first);
    const bool is_json = text.substr(begin).starts_with("```json");
    text.remove_prefix(end + 3);
    if (json whole = json::parse(block, nullptr, false); !whole.is_discarded()) {
      found.push_back(std::move(whole));
      continue;
    }
    for (std::string_view line : split(block, '\n')) {
      if (line.starts_with("> ")) line.remove_prefix(2);
      if (is_json || line.starts_with("{")) {
        if (!line.empty()) found.push_back(json::parse(line));
      }
    }
  }
}

/// Calls `visit` with each `$ref` in the document.
void for_each_reference(const json& value, const std::function<void(const std::string&)>& visit) {
  if (value.is_object() && value.contains("$ref")) visit(value["$ref"].get<std::string>());
  if (!value.is_structured()) return;
  for (const json& each : value) for_each_reference(each, visit);
}

std::vector<json> parameters_of(const Row& row) {
  const ApiDocument& document = ApiDocument::get();
  std::vector<json> found;
  for (const auto& [path, item] : document.tree().at("paths").items()) {
    const bool is_it = document.find(row.method, path) == &operation_of(row);
    for (const json& each : is_it ? item.value("parameters", json::array()) : json::array())
      found.push_back(document.checker().resolve(each));
  }
  for (const json& each : operation_of(row).value("parameters", json::array()))
    found.push_back(document.checker().resolve(each));
  return found;
}

/// Whether a text tells of `name=…` in a query.
bool tells_of_parameter(const std::string& text, const std::string& name) {
  for (const std::string_view before : {"`", "?", "&"}) {
    if (text.find(concat(before, name, "=")) != std::string::npos) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("the OpenAPI document describes the server's routes, all of them and no other", "[control]") {
  const auto names = route_names();
  CHECK(ApiDocument::get().routes() == std::set<std::string>(names.begin(), names.end()));
}

TEST_CASE("docs/api.md lists the server's routes and the tunnel, each with the document's words",
          "[control]") {
  std::set<std::string> listed;
  for (const Row& row : rows()) {
    const std::string name = concat(row.method, ' ', row.path);
    CHECK(listed.insert(name).second);
    if (name != tunnel) CHECK(operation_of(row).at("summary") == row.summary);
  }
  const auto names = route_names();
  std::set<std::string> expected(names.begin(), names.end());
  expected.insert(std::string(tunnel));
  CHECK(listed == expected);
}

TEST_CASE("each route that docs/api.md lists leads to a section about it", "[control]") {
  const auto all = sections();
  for (const Row& row : rows()) {
    INFO(row.method << ' ' << row.path << " leads to #" << row.anchor);
    CHECK(
        std::any_of(all.begin(), all.end(), [&](const Section& each) { return each.anchor == row.anchor; }));
  }
}

TEST_CASE("each example in docs/api.md is as a schema of its section says", "[control]") {
  const ApiDocument& document = ApiDocument::get();
  const auto all_rows = rows();
  std::size_t count = 0;
  for (const Section& section : sections()) {
    std::vector<json> schemas;
    for (const Row& row : all_rows) {
      if (row.anchor != section.anchor || row.method == "CONNECT") continue;
      for (json& schema : document.schemas(operation_of(row))) schemas.push_back(std::move(schema));
    }
    if (schemas.empty()) {
      for (const json& schema : document.tree().at("components").at("schemas")) schemas.push_back(schema);
    }
    for (const json& example : examples_in(section.text)) {
      INFO(section.anchor << ": " << example.dump());
      CHECK(std::any_of(schemas.begin(), schemas.end(), [&](const json& schema) {
        return document.checker().complaints(example, schema).empty();
      }));
      ++count;
    }
  }
  CHECK(count >= 15);
}

TEST_CASE("docs/api.md tells of every parameter of a query", "[control]") {
  const auto all = sections();
  for (const Row& row : rows()) {
    if (row.method == "CONNECT") continue;
    const auto section =
        std::find_if(all.begin(), all.end(), [&](const Section& each) { return each.anchor == row.anchor; });
    REQUIRE(section != all.end());
    for (const json& parameter : parameters_of(row)) {
      INFO(row.path << ' ' << parameter.dump());
      if (parameter.at("in") == "query") CHECK(tells_of_parameter(section->text, parameter.at("name")));
    }
  }
}

TEST_CASE("a parameter in a table of docs/api.md is one of the OpenAPI document", "[control]") {
  std::size_t count = 0;
  for (const Section& section : sections()) {
    std::set<std::string> known;
    for (const Row& row : rows()) {
      if (row.anchor != section.anchor || row.method == "CONNECT") continue;
      for (const json& parameter : parameters_of(row)) known.insert(parameter.at("name"));
    }
    for (const std::string_view line : split(section.text, '\n')) {
      const auto equals = line.find('=');
      if (!line.starts_with("| `") || equals > line.find_first_of("` ", 3)) continue;
      INFO(line);
      CHECK(known.contains(std::string(line.substr(3, equals - 3))));
      ++count;
    }
  }
  CHECK(count >= 10);
}

TEST_CASE("each operation has an id of its own, a tag that exists, and its path's parameters", "[control]") {
  const json& document = ApiDocument::get().tree();
  std::set<std::string> ids, tags;
  for (const json& tag : document.at("tags")) tags.insert(tag.at("name"));
  for (const Row& row : rows()) {
    if (row.method == "CONNECT") continue;
    const json& operation = operation_of(row);
    INFO(operation.dump());
    CHECK(ids.insert(operation.at("operationId")).second);
    for (const json& tag : operation.at("tags")) CHECK(tags.contains(tag));
    const auto parameters = parameters_of(row);
    CHECK(std::count_if(parameters.begin(), parameters.end(), [](const json& each) {
            return each.at("in") == "path";
          }) == std::count(row.path.begin(), row.path.end(), '*'));
  }
}

TEST_CASE("what the document refers to is there, and what is there is referred to", "[control]") {
  const ApiDocument& document = ApiDocument::get();
  std::set<std::string> used;
  for_each_reference(document.tree(), [&](const std::string& reference) {
    CHECK_NOTHROW(document.checker().resolve({{"$ref", reference}}));
    used.insert(reference);
  });
  for (const auto& [kind, all] : document.tree().at("components").items()) {
    if (kind == "securitySchemes") continue;
    for (const auto& [name, one] : all.items())
      CHECK(used.contains(concat("#/components/", kind, '/', name)));
  }
}

TEST_CASE("what a schema does not describe is found", "[control]") {
  const json schema = {{"type", "object"},
                       {"required", {"a"}},
                       {"properties", {{"a", {{"type", "integer"}}}, {"b", {{"enum", {"x", "y"}}}}}}};
  const SchemaChecker checker(schema);
  CHECK(checker.complaints({{"a", 1}, {"b", "x"}}, schema).empty());
  CHECK(checker.complaints({{"b", "z"}}, schema) ==
        std::vector<std::string>{": a is missing", R"(.b: "z" is none of ["x","y"])"});
  CHECK(checker.complaints({{"a", "1"}}, schema) ==
        std::vector<std::string>{R"(.a: is string, not "integer")"});
  CHECK(checker.complaints({{"a", 1}, {"c", 1}}, schema) == std::vector<std::string>{".c: is not described"});
}

}  // namespace kestrel::control::test
