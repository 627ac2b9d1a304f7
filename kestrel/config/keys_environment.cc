// Variables and the files they come from.
#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

constexpr std::string_view file_prefix = "file:";

struct EntryDraft {
  std::string name;
  std::optional<std::string> value;
  std::optional<Placed<std::string>> value_from;
  std::optional<Placed<std::string>> fallback;
};

constexpr Key<EntryDraft> entry_keys[] = {
    {"name", into<read_word, &EntryDraft::name>, "without `=` and white space; unique in its list"},
    {"value", into<read_text, &EntryDraft::value>, "the value as it is written"},
    {"value_from", placed_into<read_text, &EntryDraft::value_from>,
     "`env`: the variable of that name of the VM environment; `file:/PATH`: the file's content without its "
     "last newline, read at each start"},
    {"default", placed_into<read_text, &EntryDraft::fallback>,
     "for when the source is missing; without it that is an error"},
};

using NamedPositions = std::vector<Placed<std::string_view>>;

bool is_variable_name(std::string_view name) {
  return !name.empty() && std::none_of(name.begin(), name.end(), [](char c) {
    return c == '=' || static_cast<unsigned char>(c) <= ' ';
  });
}

void check_variable_name(Context& context, std::string_view name, Position at) {
  if (!is_variable_name(name)) {
    context.report(at, concat(quoted(name), " is not a valid variable name: no '=' and no white space"));
  }
}

std::optional<std::variant<Literal, FromVmEnvironment, FromFile>> source_of(Context& context,
                                                                            const EntryDraft& draft) {
  std::optional<std::string> fallback;
  if (draft.fallback) fallback = draft.fallback->value;
  const Placed<std::string>& from = *draft.value_from;
  if (from.value == "env") return FromVmEnvironment{fallback};
  if (from.value.starts_with(file_prefix) && from.value.substr(file_prefix.size()).starts_with('/')) {
    return FromFile{from.value.substr(file_prefix.size()), fallback};
  }
  context.report(
      from.at, concat("'value_from' expects env or file: with an absolute path, found ", quoted(from.value)));
  return std::nullopt;
}

std::optional<EnvironmentEntry> read_entry(Context& context, const Raw& raw) {
  if (!std::holds_alternative<RawMap>(raw.value)) {
    context.report_expected(raw, "maps with 'name' and 'value'");
    return std::nullopt;
  }
  auto draft = read_struct<EntryDraft, entry_keys>(context, raw);
  require_key(context, raw, "name");
  if (!draft->name.empty()) check_variable_name(context, draft->name, raw.at);
  if (draft->value && draft->value_from) {
    context.report(draft->value_from->at, "'value' and 'value_from' exclude each other");
    return std::nullopt;
  }
  if (draft->value_from) {
    auto source = source_of(context, *draft);
    return source ? std::optional(EnvironmentEntry{std::move(draft->name), *std::move(source)})
                  : std::nullopt;
  }
  if (draft->fallback) context.report(draft->fallback->at, "'default' belongs to 'value_from'");
  if (!draft->value) {
    const RawMap& map = std::get<RawMap>(raw.value);
    const bool was_written =
        std::any_of(map.begin(), map.end(), [](const RawEntry& e) { return e.key.starts_with("value"); });
    if (!was_written) context.report(raw.at, "missing key 'value' or 'value_from'");
    return std::nullopt;
  }
  return EnvironmentEntry{std::move(draft->name), Literal{*std::move(draft->value)}};
}

std::vector<EnvironmentEntry> read_map_form(Context& context, const RawMap& map) {
  context.explore_open_map();
  std::vector<EnvironmentEntry> entries;
  const std::string_view outer = context.key;
  for (const RawEntry& entry : map) {
    if (is_extension(entry.key)) continue;
    context.key = entry.key;
    check_variable_name(context, entry.key, entry.at);
    if (auto value = read_text(context, *entry.value))
      entries.push_back({entry.key, Literal{*std::move(value)}});
  }
  context.key = outer;
  return entries;
}

/// The name that an item of the list form gives, for finding two of the same; empty if it has none.
std::string_view name_in(const Raw& item) {
  const auto* map = std::get_if<RawMap>(&item.value);
  if (!map) return {};
  for (const RawEntry& entry : *map) {
    const auto* scalar = std::get_if<RawScalar>(&entry.value->value);
    if (entry.key == "name" && scalar) return scalar->text;
  }
  return {};
}

void report_repeated_names(Context& context, const RawList& list) {
  NamedPositions names;
  names.reserve(list.size());
  for (const Raw* item : list) {
    const std::string_view name = name_in(*item);
    if (!name.empty()) names.push_back({name, item->at});
  }
  std::stable_sort(names.begin(), names.end(),
                   [](const auto& a, const auto& b) { return a.value < b.value; });
  for (std::size_t i = 1, first = 0; i < names.size(); ++i) {
    if (names[i].value != names[first].value) {
      first = i;
      continue;
    }
    context.report(names[i].at, concat("duplicate variable ", quoted(names[i].value), " (first at ",
                                       describe(names[first].at), ')'));
  }
}

}  // namespace

std::optional<std::vector<EnvironmentEntry>> read_environment(Context& context, const Raw& raw) {
  if (const auto* map = std::get_if<RawMap>(&raw.value)) return read_map_form(context, *map);
  const auto* list = std::get_if<RawList>(&raw.value);
  if (!list) {
    context.report_expected(raw, "a list of variables or a map from names to values");
    return std::nullopt;
  }
  report_repeated_names(context, *list);
  return read_list<read_entry>(context, raw);
}

std::optional<EnvironmentFile> read_environment_file(Context& context, const Raw& raw) {
  const auto text = read_text(context, raw);
  if (!text) return std::nullopt;
  const bool is_optional = text->starts_with('-');
  std::string path = text->substr(is_optional ? 1 : 0);
  if (path.starts_with('/')) return EnvironmentFile{std::move(path), is_optional};
  context.report_expected(raw, "absolute paths, with '-' before those that may be missing");
  return std::nullopt;
}

}  // namespace kestrel::config
