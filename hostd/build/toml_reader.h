// TOML, read into plain values that know where they stand. The only code that knows the library.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct Position {
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  friend auto operator<=>(const Position&, const Position&) = default;
};

struct TomlMember;
struct TomlValue;
using TomlTable = std::vector<TomlMember>;
using TomlArray = std::vector<TomlValue>;

struct TomlValue {
  /// Dates, times and fractions are `Other`: nothing here takes one.
  struct Other {};
  std::variant<Other, std::string, std::int64_t, bool, TomlArray, TomlTable> data;
  Position position;
};

struct TomlMember {
  std::string key;
  TomlValue value;
};

/// The file's top table. An error reads `NAME:LINE:COLUMN: <cause>`.
[[nodiscard]] Result<TomlValue> read_toml(std::string_view text, const std::string& name);

}  // namespace kestrel::hostd
