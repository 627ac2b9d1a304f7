// What a value of the configuration may look like, as its readers tell it when they are asked.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::config {

struct ScalarShape {
  enum class Kind {
    text,
    name,
    path,
    program,
    pattern,
    flag,
    duration,
    size,
    signal,
    mode_mask,
    integer,
    number,
    choice
  };
  Kind kind = Kind::text;
  double least = 0;  ///< of integers and numbers
  double most = 0;
  std::vector<std::string_view> choices{};
  friend bool operator==(const ScalarShape&, const ScalarShape&) = default;
};

/// What users are told of a key, beside the form of its value: a fragment of Markdown.
struct KeyNotes {
  std::string_view meaning;
  /// As it could be written in the file; empty where there is none, or where `meaning` has to tell.
  std::string_view default_value;
};

/// All forms that a value may have; none of them: there is no right value.
struct Shape {
  struct Property;

  std::vector<ScalarShape> scalars;
  std::unique_ptr<Shape> items;      ///< it may be a list of such
  std::vector<Property> properties;  ///< it may be a map of these keys
  std::vector<std::string> required;
  bool is_open_map = false;  ///< it may be a map of any keys to text

  [[nodiscard]] bool is_empty() const {
    return scalars.empty() && !items && properties.empty() && !is_open_map;
  }
};

struct Shape::Property {
  std::string name;
  KeyNotes notes;
  Shape shape;
};

}  // namespace kestrel::config
