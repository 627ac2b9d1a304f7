#include "kestrel/config/key_table.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

/// A value of each kind, to explore readers with.
std::span<const Raw* const> samples() {
  static const Raw scalar{{}, RawScalar{}};
  static const Raw list{{}, RawList{}};
  static const Raw map{{}, RawMap{}};
  static const Raw* const all[] = {&scalar, &list, &map};
  return all;
}

}  // namespace

void Context::report(Position at, std::string message) {
  if (problems_) problems_->push_back({at.line, at.column, std::move(message)});
}

void Context::warn(Position at, std::string message) {
  if (!warnings_) return report(at, std::move(message));
  warnings_->push_back({at.line, at.column, std::move(message)});
}

void Context::report_expected(const Raw& raw, std::string_view what) {
  if (key.empty()) {
    report(raw.at, concat("expected ", what, ", found ", describe_found(raw)));
  } else {
    report(raw.at, concat(quoted(key), " expects ", what, ", found ", describe_found(raw)));
  }
}

void Context::report_unknown(const RawEntry& entry, std::span<const std::string_view> known) {
  const auto meant = nearest(entry.key, known);
  warn(entry.at,
       concat("unknown key ", quoted(entry.key), meant ? concat("; did you mean '", *meant, "'?") : ""));
}

bool Context::explores(const Raw& raw, const ScalarShape& scalar) {
  if (!shape_) return false;
  auto& known = shape_->scalars;
  const bool is_new = std::find(known.begin(), known.end(), scalar) == known.end();
  if (std::holds_alternative<RawScalar>(raw.value) && is_new) known.push_back(scalar);
  return true;
}

void Context::explore_key(std::string_view name, const KeyNotes& notes,
                          const std::function<void(const RawEntry&)>& read) {
  Shape* const outer = shape_;
  Shape found;
  shape_ = &found;
  for (const Raw* each : samples()) read({std::string(name), {}, each});
  shape_ = outer;
  // A key that takes nothing is there to tell where it belongs.
  if (!found.is_empty()) outer->properties.push_back({std::string(name), notes, std::move(found)});
}

void Context::explore_items(const std::function<void(const Raw&)>& read) {
  Shape* const outer = shape_;
  auto items = std::make_unique<Shape>();
  shape_ = items.get();
  for (const Raw* each : samples()) read(*each);
  shape_ = outer;
  outer->items = std::move(items);
}

void Context::explore_open_map() {
  if (shape_) shape_->is_open_map = true;
}

void Context::explore_required(std::string_view name) {
  if (shape_) shape_->required.emplace_back(name);
}

const RawMap* expect_map(Context& context, const Raw& raw) {
  const auto* map = std::get_if<RawMap>(&raw.value);
  if (map) context.explore_open_map();
  if (!map) context.report_expected(raw, "a map");
  return map;
}

const RawList* expect_list(Context& context, const Raw& raw) {
  const auto* list = std::get_if<RawList>(&raw.value);
  if (!list) context.report_expected(raw, "a list");
  return list;
}

void require_key(Context& context, const Raw& raw, std::string_view name) {
  const auto* map = std::get_if<RawMap>(&raw.value);
  if (!map) return;
  context.explore_required(name);
  const std::string_view wanted[] = {name};
  // A misspelt key is reported where it stands; that the right one is missing follows from it.
  const bool is_meant = std::any_of(map->begin(), map->end(), [&](const RawEntry& entry) {
    return entry.key == name || nearest(entry.key, wanted);
  });
  if (!is_meant) context.report(raw.at, concat("missing key '", name, "'"));
}

bool is_extension(std::string_view key) { return key.starts_with("x-"); }

}  // namespace kestrel::config
