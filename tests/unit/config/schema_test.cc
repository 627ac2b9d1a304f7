#include "kestrel/config/schema.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <regex>

#include "kestrel/base/text.h"
#include "kestrel/config/yaml_reader.h"

using namespace kestrel;
using namespace kestrel::config;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

const Json& schema() {
  static const Json parsed = Json::parse(schema_json());
  return parsed;
}

/// A plain YAML scalar as editors understand it (the JSON schema of YAML 1.2).
Json scalar_value(const RawScalar& scalar) {
  const Json parsed = Json::parse(scalar.text, nullptr, false);
  return scalar.is_plain && (parsed.is_number() || parsed.is_boolean()) ? parsed : Json(scalar.text);
}

Json value_of(const Raw& raw) {
  Json value;
  if (const auto* scalar = std::get_if<RawScalar>(&raw.value)) return scalar_value(*scalar);
  if (const auto* list = std::get_if<RawList>(&raw.value)) {
    value = Json::array();
    for (const Raw* item : *list) value.push_back(value_of(*item));
  }
  if (const auto* map = std::get_if<RawMap>(&raw.value)) {
    value = Json::object();
    for (const RawEntry& entry : *map) value[entry.key] = value_of(*entry.value);
  }
  return value;
}

bool has_type(const Json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "number") return value.is_number();
  if (type == "integer") return value.is_number_integer();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  return type == "object" && value.is_object();
}

bool fits(const Json& value, const Json& form);

bool fits_map(const Json& value, const Json& form) {
  for (const auto& name : form.value("required", Json::array())) {
    if (!value.contains(name)) return false;
  }
  for (const auto& [key, member] : value.items()) {
    const Json properties = form.value("properties", Json::object());
    if (properties.contains(key)) {
      if (!fits(member, properties[key])) return false;
    } else if (!key.starts_with("x-")) {
      const Json& others = form["additionalProperties"];
      if (others.is_boolean() || !fits(member, others)) return false;
    }
  }
  return true;
}

/// As much of JSON Schema as the schema uses.
bool fits(const Json& value, const Json& form) {
  if (form.contains("$ref"))
    return fits(value, schema()[Json::json_pointer(form["$ref"].get<std::string>().substr(1))]);
  if (form.contains("anyOf")) {
    return std::any_of(form["anyOf"].begin(), form["anyOf"].end(),
                       [&](const Json& each) { return fits(value, each); });
  }
  if (form.contains("enum"))
    return std::find(form["enum"].begin(), form["enum"].end(), value) != form["enum"].end();
  if (form.contains("const")) return value == form["const"];
  const Json types = form["type"].is_array() ? form["type"] : Json::array({form["type"]});
  if (std::none_of(types.begin(), types.end(), [&](const Json& type) { return has_type(value, type); }))
    return false;
  if (value.is_string() && form.contains("pattern") &&
      !std::regex_search(value.get<std::string>(), std::regex(form["pattern"].get<std::string>()))) {
    return false;
  }
  if (value.is_number() && (value < form.value("minimum", value) || value > form.value("maximum", value)))
    return false;
  if (value.is_array()) {
    return std::all_of(value.begin(), value.end(),
                       [&](const Json& item) { return fits(item, form["items"]); });
  }
  return !value.is_object() || fits_map(value, form);
}

bool fits(std::string_view text) {
  Problems problems;
  const auto tree = read_yaml(text, problems);
  REQUIRE(tree);
  return fits(value_of(*tree->root), schema());
}

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

}  // namespace

TEST_CASE("the schema is a JSON object that names its draft", "[config]") {
  CHECK(schema()["$schema"] == "https://json-schema.org/draft/2020-12/schema");
  CHECK(schema()["required"] == Json{"exec"});
  CHECK(schema()["additionalProperties"] == false);
}

TEST_CASE("each good configuration fits the schema", "[config]") {
  std::size_t count = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(__FILE__).parent_path() / "good")) {
    INFO(entry.path().string());
    CHECK(fits(content_of(entry.path())));
    ++count;
  }
  CHECK(count >= 5);
}

TEST_CASE("the schema has all forms of a value", "[config]") {
  CHECK(fits("exec: [{name: a, command: a, restart: never, depends_on: [b, {name: c, condition: ready}]}]"));
  CHECK(fits("exec: [{name: a, command: a, restart: {policy: always, backoff: {initial: 0}}}]"));
  CHECK(fits("exec: [{name: a, command: a, env: {A: 1}, x-note: {any: [thing]}}]"));
  CHECK(fits("exec: [{name: a, command: a, env: [{name: A, value: b}]}]"));
  CHECK(fits("exec: [{name: a, command: a, health: {http: {port: 80, expect_status: [200, 204]}}}]"));
  CHECK(fits("exec: [{name: a, command: a, health: [{tcp: {port: 80}, name: x, on_failure: none}]}]"));
  CHECK(fits("exec: [{name: a, command: a, umask: 022, limits: {memory: 64M, cpu: 0.5}}]"));
  CHECK(fits("{exec: [{name: a, command: a}], hooks: {pre_start: [a, {command: b, args: [1]}]}}"));
}

TEST_CASE("the schema refuses what no reader takes", "[config]") {
  for (const char* text :
       {"{}", "exec: {}", "exec: [a]", "exec: [{name: a}]", "exec: [{name: a, comand: b}]",
        "exec: [{name: a, command: b, args: c}]", "exec: [{name: a, command: b, run_once: yes}]",
        "exec: [{name: a, command: b, restart: sometimes}]",
        "exec: [{name: a, command: b, stop: {timeout: often}}]",
        "exec: [{name: a, command: b, health: {http: {port: 0}}}]",
        "exec: [{name: a, command: b, health: {http: {path: /}}}]",
        "exec: [{name: a, command: b, health: {interval: 5s}}]",
        "{exec: [{name: a, command: b}], exce: []}"}) {
    INFO(text);
    CHECK_FALSE(fits(text));
  }
}
