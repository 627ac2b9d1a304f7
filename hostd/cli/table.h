// Columns of text for people, as wide as their widest cell. The last column of a row is not padded.
#pragma once

#include <string>
#include <vector>

namespace kestrel::hostd {

class Table {
 public:
  explicit Table(std::vector<std::string> header) { rows_.push_back(std::move(header)); }
  /// Cells are cleaned of control characters; an empty one is shown as `-`.
  void add(std::vector<std::string> cells);
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace kestrel::hostd
