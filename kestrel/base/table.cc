#include "kestrel/base/table.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel {

namespace {

constexpr std::size_t gap = 3;

/// Characters, not bytes: what continues a UTF-8 sequence has no width of its own.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::string_view code_of(Colour colour) {
  switch (colour) {
    case Colour::none:
      break;
    case Colour::red:
      return "31";
    case Colour::green:
      return "32";
    case Colour::yellow:
      return "33";
    case Colour::dim:
      return "2";
    case Colour::bold:
      return "1";
  }
  return "0";
}

}  // namespace

std::string painted(std::string_view text, Colour colour) {
  if (colour == Colour::none) return std::string(text);
  return concat("\x1b[", code_of(colour), 'm', text, "\x1b[0m");
}

Table::Table(std::vector<std::string> header) {
  std::vector<Cell>& row = rows_.emplace_back();
  for (std::string& title : header) row.emplace_back(std::move(title), Colour::bold);
}

void Table::add(std::vector<Cell> cells) {
  for (Cell& cell : cells) cell.text = cell.text.empty() ? "-" : printable(cell.text);
  rows_.push_back(std::move(cells));
}

std::string Table::text(Colours colours) const {
  std::vector<std::size_t> widths;
  for (const auto& row : rows_) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  std::string out;
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += colours == Colours::on ? painted(row[i].text, row[i].colour) : row[i].text;
      if (i + 1 < row.size()) out.append(widths[i] - width_of(row[i].text) + gap, ' ');
    }
    out += '\n';
  }
  return out;
}

}  // namespace kestrel
