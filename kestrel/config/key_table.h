// The table of keys: how a map of the file becomes a struct.
//
// Each kind of map has one constexpr table of Key rows: the name, the function that reads the value into its
// place, and what users are told of the key. read_map() does everything that is the same for all of them:
// unknown keys with the nearest known one, `x-…` keys. Reading goes on after a problem, so that all are
// found.
//
// The same functions tell the form of what they read (schema.h, reference.h): with a Context that explores,
// they are handed a scalar, a list and a map in turn. Those that read scalars note what they would take,
// read_list() and read_map() go on to what is inside, and none of them returns a value.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/config/draft.h"
#include "kestrel/config/problem.h"
#include "kestrel/config/raw.h"
#include "kestrel/config/shape.h"

namespace kestrel::config {

/// What every reader is given: where problems go, and the key whose value is being read, for their messages.
class Context {
 public:
  explicit Context(Problems& problems) : problems_(&problems) {}
  /// Where unknown keys are no problems, but worth a warning.
  Context(Problems& problems, Problems& warnings) : problems_(&problems), warnings_(&warnings) {}
  /// Explores: nothing is read or reported, but the form of what could be.
  explicit Context(Shape& shape) : shape_(&shape) {}

  void report(Position at, std::string message);
  /// A problem where there are no warnings.
  void warn(Position at, std::string message);
  /// `'port' expects a whole number, found 'http'`.
  void report_expected(const Raw& raw, std::string_view what);
  /// `unknown key 'comand'; did you mean 'command'?`
  void report_unknown(const RawEntry& entry, std::span<const std::string_view> known);

  [[nodiscard]] bool is_exploring() const { return shape_ != nullptr; }
  /// False when reading. Else notes that a scalar may have this form, if `raw` is one.
  bool explores(const Raw& raw, const ScalarShape& scalar);
  /// Calls `read` with values of all kinds, and notes what it finds for the key or the items of a list.
  void explore_key(std::string_view name, const KeyNotes& notes,
                   const std::function<void(const RawEntry&)>& read);
  void explore_items(const std::function<void(const Raw&)>& read);
  void explore_open_map();
  void explore_required(std::string_view name);

  /// The key being read; reading a map inside changes it and restores it.
  std::string_view key;

 private:
  Problems* problems_ = nullptr;  ///< null when exploring
  Problems* warnings_ = nullptr;  ///< null where everything wrong is a problem
  Shape* shape_ = nullptr;        ///< of the value that is being explored; null when reading
};

template <typename T>
struct Key {
  std::string_view name;
  void (*read)(Context& context, const RawEntry& entry, T& target);
  KeyNotes notes{};
};

/// Row function: what `Read` returns goes to the member that the path of member pointers leads to.
template <auto Read, auto... Path, typename T>
void into(Context& context, const RawEntry& entry, T& target) {
  if (auto value = Read(context, *entry.value)) (target.*....*Path) = *std::move(value);
}
/// The same, keeping the value's position.
template <auto Read, auto... Path, typename T>
void placed_into(Context& context, const RawEntry& entry, T& target) {
  if (auto value = Read(context, *entry.value)) (target.*....*Path) = {*std::move(value), entry.value->at};
}

/// The map in `raw`, whose keys may be any, or null and a problem.
[[nodiscard]] const RawMap* expect_map(Context& context, const Raw& raw);
[[nodiscard]] const RawList* expect_list(Context& context, const Raw& raw);
/// A problem if the map in `raw` has neither `name` nor a key that looks like it; nothing if it is no map.
void require_key(Context& context, const Raw& raw, std::string_view name);
[[nodiscard]] bool is_extension(std::string_view key);

template <typename T>
void read_map(Context& context, const Raw& raw, std::span<const Key<T>> keys, T& target) {
  if (context.is_exploring()) {
    if (!std::holds_alternative<RawMap>(raw.value)) return;
    for (const Key<T>& key : keys) {
      context.explore_key(key.name, key.notes,
                          [&](const RawEntry& entry) { key.read(context, entry, target); });
    }
    return;
  }
  const RawMap* map = expect_map(context, raw);
  if (!map) return;
  const std::string_view outer = context.key;
  for (const RawEntry& entry : *map) {
    const Key<T>* row = nullptr;
    for (const Key<T>& key : keys) {
      if (key.name == entry.key) row = &key;
    }
    context.key = entry.key;
    if (!row) {
      if (is_extension(entry.key)) continue;
      std::vector<std::string_view> names;
      for (const Key<T>& key : keys) names.push_back(key.name);
      context.report_unknown(entry, names);
    } else {
      row->read(context, entry, target);
    }
  }
  context.key = outer;
}

/// A map that is a value of its own; nullopt if `raw` is no map.
template <typename T, const auto& Keys>
[[nodiscard]] std::optional<T> read_struct(Context& context, const Raw& raw) {
  T value{};
  read_map<T>(context, raw, Keys, value);
  if (!std::holds_alternative<RawMap>(raw.value)) return std::nullopt;
  return value;
}

/// A list whose items `Read` reads; those that are wrong are left out and reported.
template <auto Read>
[[nodiscard]] auto read_list(Context& context, const Raw& raw)
    -> std::optional<std::vector<typename decltype(Read(context, raw))::value_type>> {
  const RawList* list = expect_list(context, raw);
  if (!list) return std::nullopt;
  if (context.is_exploring()) {
    context.explore_items([&](const Raw& item) { static_cast<void>(Read(context, item)); });
    return std::nullopt;
  }
  std::vector<typename decltype(Read(context, raw))::value_type> values;
  values.reserve(list->size());
  for (const Raw* item : *list) {
    if (auto value = Read(context, *item)) values.push_back(*std::move(value));
  }
  return values;
}

}  // namespace kestrel::config
