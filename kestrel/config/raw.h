// Raw values: what a YAML text says before anybody asks what it means. No types beyond YAML's own shapes,
// every value with its position. Values that aliases stand for are shared, so the tree is really a graph
// without cycles.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/config/problem.h"

namespace kestrel::config {

struct Raw;

/// Nothing after a key, `~` or `null`.
struct RawNothing {};

struct RawScalar {
  std::string text;
  bool is_plain = true;  ///< without quotes: `5` may be a number, `"5"` is text
};

using RawList = std::vector<const Raw*>;

struct RawEntry {
  std::string key;
  Position at;
  const Raw* value = nullptr;
};
/// In the order of the text; keys are unique.
using RawMap = std::vector<RawEntry>;

struct Raw {
  Position at;
  std::variant<RawNothing, RawScalar, RawList, RawMap> value;
};

/// The values of one document and who owns them.
struct RawTree {
  std::deque<Raw> values;  ///< addresses stay when more are added
  const Raw* root = nullptr;
};

/// What a person would say stands there: `nothing`, `a list`, `the number 5`, `'abc'`.
[[nodiscard]] std::string describe_found(const Raw& raw);

/// `text` in single quotes for a message: shortened, without control characters.
[[nodiscard]] std::string quoted(std::string_view text);

}  // namespace kestrel::config
