// What users are told of every key: `kestrel schema --markdown`, and the tables in docs/configuration.md.
//
// Both are made of the tables of keys that boot reads with (key_table.h), so that they name no key that there
// is not, and all that there are. tests/unit/config/reference_test.cc holds the documentation to them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kestrel::config {

/// The keys of one block of the file, as a table of Markdown: key, value, default and meaning.
struct KeyTable {
  std::string_view heading;
  std::string markdown;
};

/// Of all blocks, from the top of the file on.
[[nodiscard]] std::vector<KeyTable> key_tables();

/// All of them below their headings.
[[nodiscard]] std::string reference_markdown();

}  // namespace kestrel::config
