#include "tests/unit/control/document/api_document.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <stdexcept>

#include "kestrel/base/text.h"
#include "kestrel/config/yaml_reader.h"

namespace kestrel::control::test {

namespace {

using nlohmann::json;

/// YAML's core schema, as far as the document needs it.
json scalar(const config::RawScalar& scalar) {
  if (!scalar.is_plain) return scalar.text;
  if (scalar.text == "true" || scalar.text == "false") return scalar.text == "true";
  if (const auto number = parse_integer(scalar.text)) return *number;
  return scalar.text;
}

json to_json(const config::Raw& raw) {
  if (const auto* list = std::get_if<config::RawList>(&raw.value)) {
    json array = json::array();
    for (const config::Raw* each : *list) array.push_back(to_json(*each));
    return array;
  }
  if (const auto* map = std::get_if<config::RawMap>(&raw.value)) {
    json object = json::object();
    for (const config::RawEntry& entry : *map) object[entry.key] = to_json(*entry.value);
    return object;
  }
  if (const auto* one = std::get_if<config::RawScalar>(&raw.value)) return scalar(*one);
  return nullptr;
}

/// `/v1/services/{name}` with a star for each parameter.
std::string pattern_of(std::string path) {
  for (auto open = path.find('{'); open != std::string::npos; open = path.find('{'))
    path.replace(open, path.find('}') - open + 1, "*");
  return path;
}

bool is_path(std::string_view pattern, std::string_view path) {
  const auto expected = split(pattern, '/'), found = split(path, '/');
  return std::equal(
      expected.begin(), expected.end(), found.begin(), found.end(),
      [](std::string_view part, std::string_view segment) { return part == "*" || part == segment; });
}

constexpr std::string_view methods[] = {"get", "put", "post", "patch", "delete"};

std::string lower(std::string_view method) {
  std::string text(method == "HEAD" ? "GET" : method);
  std::transform(text.begin(), text.end(), text.begin(), [](char c) { return static_cast<char>(c | 0x20); });
  return text;
}

bool is_json(std::string_view media_type) {
  return media_type.ends_with("json") && media_type != "application/x-ndjson";
}

/// The JSON texts in a body of that type.
std::vector<json> documents_in(std::string_view media_type, const std::string& body) {
  if (is_json(media_type)) return {json::parse(body)};
  std::vector<json> found;
  if (media_type == "application/x-ndjson") {
    for (const std::string_view line : split(body, '\n')) {
      if (!line.empty()) found.push_back(json::parse(line));
    }
  }
  return found;
}

}  // namespace

std::string read_document(std::string_view name) {
  std::ifstream stream(std::filesystem::path(__FILE__).parent_path() / "../../../../docs" / name);
  if (!stream) throw std::runtime_error(concat("cannot read docs/", name));
  return {std::istreambuf_iterator<char>(stream), {}};
}

const ApiDocument& ApiDocument::get() {
  static const ApiDocument document("openapi.yaml");
  return document;
}

const ApiDocument& ApiDocument::of_hostd() {
  static const ApiDocument document("openapi-hostd.yaml");
  return document;
}

ApiDocument::ApiDocument(std::string_view name) {
  config::Problems problems;
  const auto tree = config::read_yaml(read_document(name), problems);
  if (!problems.empty()) throw std::runtime_error(config::describe(problems.front(), concat("docs/", name)));
  tree_ = to_json(*tree.value().root);
}

std::set<std::string> ApiDocument::routes() const {
  std::set<std::string> found;
  for (const auto& [path, item] : tree_.at("paths").items()) {
    for (const std::string_view method : methods) {
      std::string upper(method);
      std::transform(upper.begin(), upper.end(), upper.begin(),
                     [](char c) { return static_cast<char>(c & ~0x20); });
      if (item.contains(method)) found.insert(concat(upper, ' ', pattern_of(path)));
    }
  }
  return found;
}

const json* ApiDocument::find(std::string_view method, std::string_view path) const {
  for (const auto& [name, item] : tree_.at("paths").items()) {
    if (!is_path(pattern_of(name), path)) continue;
    const auto operation = item.find(lower(method));
    if (operation != item.end()) return &*operation;
  }
  return nullptr;
}

std::vector<std::string> ApiDocument::complaints(std::string_view method, std::string_view target,
                                                 const wire::Response& response) const {
  const json* operation = find(method, target.substr(0, target.find('?')));
  if (operation == nullptr) return {};
  const json& responses = operation->at("responses");
  const std::string status = concat(response.status);
  const json& expected = checker_.resolve(responses.at(responses.contains(status) ? status : "default"));
  if (method == "HEAD" || response.body.empty()) return {};
  std::string type(wire::find_header(response.headers, "Content-Type").value_or("no type"));
  type.resize(std::min(type.size(), type.find(';')));
  const json content = expected.value("content", json::object());
  if (!content.contains(type))
    return {concat("status ", status, " with a body of ", type, " is not described")};
  std::vector<std::string> found;
  for (const json& document : documents_in(type, response.body)) {
    for (auto& one : checker_.complaints(document, content[type].at("schema")))
      found.push_back(std::move(one));
  }
  return found;
}

std::vector<json> ApiDocument::schemas(const json& operation) const {
  std::vector<json> found;
  const auto add = [&](const json& with_content) {
    const json content = with_content.value("content", json::object());
    for (const auto& [type, media] : content.items()) {
      if (type.ends_with("json")) found.push_back(media.at("schema"));
    }
  };
  if (operation.contains("requestBody")) add(operation["requestBody"]);
  for (const auto& [status, response] : operation.at("responses").items()) add(checker_.resolve(response));
  return found;
}

}  // namespace kestrel::control::test
