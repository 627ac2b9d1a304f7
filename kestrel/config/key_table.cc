#include "kestrel/config/key_table.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::config {

void Context::report(Position at, std::string message) {
  problems_.push_back({at.line, at.column, std::move(message)});
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
  report(entry.at,
         concat("unknown key ", quoted(entry.key), meant ? concat("; did you mean '", *meant, "'?") : ""));
}

void Context::report_unsupported(const RawEntry& entry) {
  report(entry.at, concat(quoted(entry.key), " is not supported by this version of kestrel"));
}

const RawMap* expect_map(Context& context, const Raw& raw) {
  const auto* map = std::get_if<RawMap>(&raw.value);
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
  const std::string_view wanted[] = {name};
  // A misspelt key is reported where it stands; that the right one is missing follows from it.
  const bool is_meant = std::any_of(map->begin(), map->end(), [&](const RawEntry& entry) {
    return entry.key == name || nearest(entry.key, wanted);
  });
  if (!is_meant) context.report(raw.at, concat("missing key '", name, "'"));
}

bool is_extension(std::string_view key) { return key.starts_with("x-"); }

}  // namespace kestrel::config
