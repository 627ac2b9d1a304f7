// Columns of text for people, as wide as their widest cell. The last column of a row is not padded.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kestrel {

enum class Colour { none, red, green, yellow, dim, bold };

/// `text` in a colour, as terminals understand it (ECMA-48, SGR).
[[nodiscard]] std::string painted(std::string_view text, Colour colour);

struct Cell {
  Cell(std::string content, Colour colour_ = Colour::none)  // NOLINT: most cells are just text
      : text(std::move(content)), colour(colour_) {}
  Cell(const char* content) : text(content) {}  // NOLINT

  std::string text;
  Colour colour = Colour::none;
};

class Table {
 public:
  enum class Colours { off, on };

  explicit Table(std::vector<std::string> header);
  /// Without a header.
  Table() = default;
  /// Cells are cleaned of control characters; an empty one is shown as `-`.
  void add(std::vector<Cell> cells);
  [[nodiscard]] std::string text(Colours colours = Colours::off) const;

 private:
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace kestrel
