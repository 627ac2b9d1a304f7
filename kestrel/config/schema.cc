#include "kestrel/config/schema.h"

#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"

namespace kestrel::config {
namespace {

// Text is put together as it is: no name of a key or a choice needs JSON's escapes.

/// What all values of a kind have in common. YAML's numbers and booleans are text where text is asked for.
constexpr std::string_view definitions = R"({
"text":{"type":["string","number","boolean"]},
"name":{"type":["string","number","boolean"],"pattern":"^[a-z0-9][a-z0-9_.-]*$","maxLength":63},
"path":{"type":"string","pattern":"^/"},
"duration":{"description":"such as 250ms, 5s, 2m or 1h","anyOf":[{"type":"string","pattern":"^([0-9.]+(ns|us|ms|s|m|h|d))+$|^0$"},{"const":0}]},
"size":{"description":"such as 64M or 1G, powers of 1024","anyOf":[{"type":"string","pattern":"^[0-9]+([KMGTkmgt](i?B)?|B)?$"},{"type":"integer","minimum":0}]},
"signal":{"description":"such as TERM, SIGTERM or 15","type":["string","integer"]},
"mode_mask":{"description":"octal digits from 000 to 777","type":["string","integer"]}})";

std::string list_of(std::span<const std::string> names) {
  return names.empty() ? "[]" : concat("[\"", join(names, "\",\""), "\"]");
}

/// Every bound in the tables is a whole number.
std::string bounded(std::string_view type, const ScalarShape& scalar) {
  return concat(R"({"type":")", type, R"(","minimum":)", static_cast<std::int64_t>(scalar.least),
                R"(,"maximum":)", static_cast<std::int64_t>(scalar.most), '}');
}

std::string to_json(const ScalarShape& scalar) {
  const auto reference = [](std::string_view name) { return concat(R"({"$ref":"#/$defs/)", name, "\"}"); };
  switch (scalar.kind) {
    case ScalarShape::Kind::text:
    case ScalarShape::Kind::program:
    case ScalarShape::Kind::pattern:
      break;
    case ScalarShape::Kind::name:
      return reference("name");
    case ScalarShape::Kind::path:
      return reference("path");
    case ScalarShape::Kind::flag:
      return R"({"type":"boolean"})";
    case ScalarShape::Kind::duration:
      return reference("duration");
    case ScalarShape::Kind::size:
      return reference("size");
    case ScalarShape::Kind::signal:
      return reference("signal");
    case ScalarShape::Kind::mode_mask:
      return reference("mode_mask");
    case ScalarShape::Kind::integer:
      return bounded("integer", scalar);
    case ScalarShape::Kind::number:
      return bounded("number", scalar);
    case ScalarShape::Kind::choice: {
      const std::vector<std::string> names(scalar.choices.begin(), scalar.choices.end());
      return concat(R"({"enum":)", list_of(names), '}');
    }
  }
  return reference("text");
}

std::string to_json(const Shape& shape);

/// No meaning has a backslash or a control character.
std::string in_json(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '"' ? "\\\"" : std::string_view(&c, 1));
  return out;
}

/// The form of a key's value, with what users are told of it: as many keywords may stand beside each other.
std::string described(const Shape::Property& property) {
  const auto form = to_json(property.shape);
  return concat(R"({"description":")", in_json(property.notes.meaning), R"(",)",
                std::string_view(form).substr(1));
}

/// The members of a map's form, without braces.
std::string members_of_map(const Shape& shape) {
  std::vector<std::string> properties;
  for (const Shape::Property& property : shape.properties) {
    properties.push_back(concat("\n\"", property.name, "\":", described(property)));
  }
  return concat(R"("type":"object","properties":{)", join(properties, ","), R"(},"required":)",
                list_of(shape.required), R"(,"patternProperties":{"^x-":true},"additionalProperties":false)");
}

std::string to_json(const Shape& shape) {
  std::vector<std::string> forms;
  for (const ScalarShape& scalar : shape.scalars) forms.push_back(to_json(scalar));
  if (shape.items) forms.push_back(concat(R"({"type":"array","items":)", to_json(*shape.items), '}'));
  if (!shape.properties.empty()) forms.push_back(concat('{', members_of_map(shape), '}'));
  if (shape.is_open_map) {
    forms.push_back(R"({"type":"object","additionalProperties":{"$ref":"#/$defs/text"}})");
  }
  if (forms.size() == 1) return std::move(forms.front());
  return concat(R"({"anyOf":[)", join(forms, ","), "]}");
}

}  // namespace

Shape shape_of_the_file() {
  Shape root;
  Context context(root);
  ModelDraft draft;
  read_model(context, Raw{{}, RawMap{}}, draft);
  // The one key whose absence is for validate() to tell.
  root.required.emplace_back("exec");
  return root;
}

std::string schema_json() {
  const Shape root = shape_of_the_file();
  return concat(R"({"$schema":"https://json-schema.org/draft/2020-12/schema",)",
                R"("title":"Configuration of kestrel",)", members_of_map(root), R"(,"$defs":)", definitions,
                '}');
}

}  // namespace kestrel::config
