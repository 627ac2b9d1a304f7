#include "kestrel/config/reference.h"

#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/config/schema.h"

namespace kestrel::config {
namespace {

/// What has a table of its own, and where else in the file the same may stand.
struct Block {
  std::string_view path;
  std::string_view heading;
  std::string_view elsewhere = {};
};

constexpr Block blocks[] = {
    {"", "Top level"},
    {"exec", "Services and jobs"},
    {"exec.depends_on", "Dependencies"},
    {"exec.restart", "Restart"},
    {"exec.ready", "Readiness"},
    {"exec.hooks", "Hooks of a service"},
    {"hooks", "Hooks of the guest"},
    {"exec.limits", "Limits"},
    {"exec.security", "Rights"},
    {"exec.env", "Variables", "env"},
    {"exec.health", "Health checks", "health"},
    {"exec.log", "Logs"},
    {"network", "Network"},
    {"mounts", "Mounts"},
};

const Block* block_at(std::string_view path) {
  for (const Block& block : blocks) {
    if (!path.empty() && (block.path == path || block.elsewhere == path)) return &block;
  }
  return nullptr;
}

/// As GitHub and its like make it of a heading.
std::string anchor_of(std::string_view heading) {
  std::string anchor;
  for (const char c : heading)
    anchor += c == ' ' ? '-' : c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  return anchor;
}

std::string whole(double bound) { return concat(static_cast<std::int64_t>(bound)); }

std::string value_of(const ScalarShape& scalar) {
  switch (scalar.kind) {
    case ScalarShape::Kind::text:
      break;
    case ScalarShape::Kind::name:
      return "name";
    case ScalarShape::Kind::path:
      return "absolute path";
    case ScalarShape::Kind::program:
      return "program";
    case ScalarShape::Kind::pattern:
      return "pattern";
    case ScalarShape::Kind::flag:
      return "`true`, `false`";
    case ScalarShape::Kind::duration:
      return "duration";
    case ScalarShape::Kind::size:
      return "size";
    case ScalarShape::Kind::signal:
      return "signal";
    case ScalarShape::Kind::mode_mask:
      return "octal, `000` to `777`";
    case ScalarShape::Kind::integer:
    case ScalarShape::Kind::number:
      return concat(whole(scalar.least), " to ", whole(scalar.most));
    case ScalarShape::Kind::choice: {
      const std::vector<std::string> names(scalar.choices.begin(), scalar.choices.end());
      return concat('`', join(names, "`, `"), '`');
    }
  }
  return "text";
}

/// The keys of the value itself, or of the items where it is a list.
const Shape& map_of(const Shape& shape) {
  return shape.properties.empty() && shape.items ? *shape.items : shape;
}

/// `text`, `list of text`, `list of programs or maps`.
std::vector<std::string> forms_of(const Shape& shape, std::string_view name_of_a_map) {
  std::vector<std::string> forms;
  for (const ScalarShape& scalar : shape.scalars) forms.push_back(value_of(scalar));
  if (!shape.properties.empty()) forms.emplace_back(name_of_a_map);
  return forms;
}

std::string value_of(const Shape& shape) {
  auto forms = forms_of(shape, "map");
  if (shape.items) {
    const bool is_said = !forms.empty() && forms == forms_of(*shape.items, "map");
    forms.push_back(is_said ? "list of such"
                            : concat("list of ", join(forms_of(*shape.items, "maps"), " or ")));
  }
  if (shape.is_open_map) forms.emplace_back("map of text");
  return join(forms, " or ");
}

struct Row {
  std::string keys;  ///< several where the same may stand in several maps
  std::string_view name;
  std::string value;
  std::string default_value;
  std::string meaning;

  [[nodiscard]] bool says_the_same_as(const Row& other) const {
    return name == other.name && value == other.value && default_value == other.default_value &&
           meaning == other.meaning;
  }
};

std::string default_of(const Shape& map, const Shape::Property& property) {
  const auto& required = map.required;
  if (std::find(required.begin(), required.end(), property.name) != required.end()) return "required";
  const auto value = property.notes.default_value;
  return value.empty() ? "" : concat('`', value, '`');
}

void add_row(std::vector<Row>& rows, Row row) {
  const auto same =
      std::find_if(rows.begin(), rows.end(), [&](const Row& each) { return each.says_the_same_as(row); });
  if (same == rows.end()) return rows.push_back(std::move(row));
  same->keys += concat(", ", row.keys);
}

/// The rows of a map and of those inside that have no table of their own. `prefix` is what stands before a
/// key in the table, `path` what stands before it in the file.
void add_rows(std::vector<Row>& rows, const Shape& map, const std::string& prefix, const std::string& path) {
  for (const Shape::Property& property : map.properties) {
    const Block* block = block_at(path + property.name);
    Row row{.keys = concat('`', prefix, property.name, '`'),
            .name = property.name,
            .value = value_of(property.shape),
            .default_value = default_of(map, property),
            .meaning = std::string(property.notes.meaning)};
    if (block) row.meaning += concat(": [", block->heading, "](#", anchor_of(block->heading), ')');
    add_row(rows, std::move(row));
    if (!block)
      add_rows(rows, property.shape, concat(prefix, property.name, '.'), path + property.name + '.');
  }
}

const Shape& shape_at(const Shape& root, std::string_view path) {
  const Shape* shape = &root;
  if (path.empty()) return root;
  for (const auto name : split(path, '.')) {
    const auto& properties = map_of(*shape).properties;
    shape = &std::find_if(properties.begin(), properties.end(), [&](const auto& each) {
               return each.name == name;
             })->shape;
  }
  return map_of(*shape);
}

std::string table_of(const Shape& root, const Block& block) {
  std::vector<Row> rows;
  add_rows(rows, shape_at(root, block.path), "", block.path.empty() ? "" : concat(block.path, '.'));
  std::string table = "| key | value | default | meaning |\n|---|---|---|---|\n";
  for (const Row& row : rows) {
    table += concat("| ", row.keys, " | ", row.value, " | ", row.default_value,
                    row.default_value.empty() ? "| " : " | ", row.meaning, " |\n");
  }
  return table;
}

}  // namespace

std::vector<KeyTable> key_tables() {
  const Shape root = shape_of_the_file();
  std::vector<KeyTable> tables;
  for (const Block& block : blocks) tables.push_back({block.heading, table_of(root, block)});
  return tables;
}

std::string reference_markdown() {
  std::string text;
  for (const KeyTable& table : key_tables()) {
    text += concat(text.empty() ? "" : "\n", "## ", table.heading, "\n\n", table.markdown);
  }
  return text;
}

}  // namespace kestrel::config
