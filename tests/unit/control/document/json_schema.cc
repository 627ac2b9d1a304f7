#include "tests/unit/control/document/json_schema.h"

#include <algorithm>
#include <array>
#include <regex>
#include <stdexcept>
#include <string_view>

#include "kestrel/base/text.h"

namespace kestrel::control::test {

namespace {

using nlohmann::json;
using Complaints = std::vector<std::string>;

constexpr std::array<std::string_view, 18> keywords = {
    "type",        "const",    "enum",       "pattern", "minimum",  "maxLength",
    "maxItems",    "items",    "properties", "anyOf",   "required", "$ref",
    "description", "examples", "default",    "format",  "summary",  "additionalProperties"};

bool is_of_type(const json& value, const std::string& type) {
  if (type == "null") return value.is_null();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "string") return value.is_string();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  throw std::runtime_error("there is no type " + type);
}

bool is_of_any_type(const json& value, const json& types) {
  if (types.is_string()) return is_of_type(value, types.get<std::string>());
  return std::any_of(types.begin(), types.end(),
                     [&](const json& type) { return is_of_type(value, type.get<std::string>()); });
}

void check_text(const std::string& text, const json& schema, const std::string& path, Complaints& out) {
  if (schema.contains("pattern") &&
      !std::regex_search(text, std::regex(schema["pattern"].get<std::string>())))
    out.push_back(concat(path, ": does not look like ", schema["pattern"].dump()));
  if (schema.contains("maxLength") && text.size() > schema["maxLength"].get<std::size_t>())
    out.push_back(concat(path, ": is too long"));
}

}  // namespace

const json& SchemaChecker::resolve(const json& value) const {
  const json* found = &value;
  while (found->is_object() && found->contains("$ref")) {
    const auto reference = (*found)["$ref"].get<std::string>();
    if (!reference.starts_with("#/")) throw std::runtime_error("cannot follow " + reference);
    found = &document_->at(json::json_pointer(reference.substr(1)));
  }
  return *found;
}

Complaints SchemaChecker::complaints(const json& value, const json& schema) const {
  Complaints out;
  check(value, schema, "", out);
  return out;
}

void SchemaChecker::check(const json& value, const json& reference, const std::string& path,
                          Complaints& out) const {
  const json& schema = resolve(reference);
  for (const auto& [keyword, meaning] : schema.items()) {
    if (std::find(keywords.begin(), keywords.end(), keyword) == keywords.end())
      throw std::runtime_error(concat("the schema at ", path, " has the unknown keyword ", keyword));
  }
  if (schema.contains("anyOf")) {
    Complaints best;
    for (const json& one : schema["anyOf"]) {
      Complaints found;
      check(value, one, path, found);
      if (found.empty()) return;
      if (best.empty() || found.size() < best.size()) best = std::move(found);
    }
    out.insert(out.end(), best.begin(), best.end());
    return;
  }
  if (schema.contains("type") && !is_of_any_type(value, schema["type"])) {
    out.push_back(concat(path, ": is ", value.type_name(), ", not ", schema["type"].dump()));
    return;
  }
  if (schema.contains("const") && value != schema["const"])
    out.push_back(concat(path, ": is not ", schema["const"].dump()));
  if (schema.contains("enum") &&
      std::find(schema["enum"].begin(), schema["enum"].end(), value) == schema["enum"].end())
    out.push_back(concat(path, ": ", value.dump(), " is none of ", schema["enum"].dump()));
  if (schema.contains("minimum") && value.is_number() && value < schema["minimum"])
    out.push_back(concat(path, ": is below ", schema["minimum"].dump()));
  if (value.is_string()) check_text(value.get<std::string>(), schema, path, out);
  if (value.is_array()) {
    if (schema.contains("maxItems") && value.size() > schema["maxItems"].get<std::size_t>())
      out.push_back(concat(path, ": has too many items"));
    for (std::size_t i = 0; i < value.size() && schema.contains("items"); ++i)
      check(value[i], schema["items"], concat(path, '[', i, ']'), out);
  }
  if (value.is_object()) check_object(value, schema, path, out);
}

void SchemaChecker::check_object(const json& value, const json& schema, const std::string& path,
                                 Complaints& out) const {
  for (const json& name : schema.value("required", json::array())) {
    if (!value.contains(name.get<std::string>()))
      out.push_back(concat(path, ": ", name.get<std::string>(), " is missing"));
  }
  const json properties = schema.value("properties", json::object());
  const json others = schema.value("additionalProperties", json(false));
  for (const auto& [name, member] : value.items()) {
    const std::string inner = concat(path, '.', name);
    if (properties.contains(name)) {
      check(member, properties[name], inner, out);
    } else if (others.is_object()) {
      check(member, others, inner, out);
    } else if (others == false) {
      out.push_back(concat(inner, ": is not described"));
    }
  }
}

}  // namespace kestrel::control::test
