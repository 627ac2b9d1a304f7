// What is wrong with a configuration, and where.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::config {

/// A place in the text. Lines and columns (of bytes) count from 1; 0:0 = the text as a whole.
struct Position {
  int line = 0;
  int column = 0;
  friend auto operator<=>(const Position&, const Position&) = default;
};

/// One thing wrong with a configuration.
struct Problem {
  int line = 0;
  int column = 0;
  std::string message;
  friend bool operator==(const Problem&, const Problem&) = default;
};
using Problems = std::vector<Problem>;

/// `FILE:LINE:COL: message` (`FILE: message` for the file as a whole), the form editors and people know.
[[nodiscard]] std::string describe(const Problem& problem, std::string_view file);

/// `LINE:COL`.
[[nodiscard]] std::string describe(Position position);

/// More than these are counted, not told.
inline constexpr std::size_t max_problems = 1000;

/// Ordered by position, each problem once (what an alias stands for is read at every use, but wrong only once),
/// at most max_problems and one that says how many there are beyond.
void put_in_order(Problems& problems);

}  // namespace kestrel::config
