// Reading the members of a TOML table one by one. What nobody asked for in the end is an unknown key.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/build/toml_reader.h"

namespace kestrel::hostd {

/// What is wrong with a file, with its places.
class TomlProblems {
 public:
  void add(Position position, std::string message);
  [[nodiscard]] bool is_empty() const { return problems_.empty(); }
  /// One line each, `NAME:LINE:COLUMN: message`, in the order of their places.
  [[nodiscard]] std::string text(std::string_view name) const;

 private:
  std::multimap<Position, std::string> problems_;
};

class TomlSection {
 public:
  /// `path` is what messages call it, such as `plugin.runtime`; empty for the top.
  TomlSection(const TomlValue& table, std::string path, TomlProblems& problems);

  /// Each of these leaves `out` alone where there is no such key, or its value is of another type.
  void text(std::string_view key, std::string& out);
  void flag(std::string_view key, bool& out);
  void number(std::string_view key, std::uint32_t least, std::uint32_t most,
              std::optional<std::uint32_t>& out);
  void texts(std::string_view key, std::vector<std::string>& out);
  void text_map(std::string_view key, std::map<std::string, std::string>& out);
  /// One of `words`; -1 where it is not there, or none of them.
  [[nodiscard]] int choice(std::string_view key, const std::vector<std::string_view>& words);
  /// The table below; an empty one where it is not there.
  [[nodiscard]] TomlSection section(std::string_view key);
  /// The value itself, whatever its type; nullptr: there is none.
  [[nodiscard]] const TomlValue* value(std::string_view key);

  [[nodiscard]] bool has(std::string_view key) const;
  [[nodiscard]] Position position() const { return position_; }
  /// Where the key stands, or the section where it is missing.
  [[nodiscard]] Position position_of(std::string_view key) const;
  /// A problem with the value of this key.
  void reject(std::string_view key, std::string_view cause);
  /// Every key that nobody asked for is a problem.
  void finish();

 private:
  [[nodiscard]] const TomlValue* find(std::string_view key) const;
  [[nodiscard]] std::string name_of(std::string_view key) const;

  const TomlTable& members_;
  Position position_;
  std::string path_;
  TomlProblems& problems_;
  std::set<std::string, std::less<>> known_;
};

}  // namespace kestrel::hostd
