// A JSON Schema of the configuration, for editors and other programs: `kestrel schema`.
//
// It is made by the readers that boot uses. Asked for their form (Context in key_table.h), they are handed a
// scalar, a list and a map in turn and tell which of them they take, so that the schema cannot say anything
// else than they do. What concerns several values at once (names that must exist, cycles) is left to
// `kestrel check`.
#pragma once

#include <string>

#include "kestrel/config/shape.h"

namespace kestrel::config {

/// Every key that there is, as the readers tell it.
[[nodiscard]] Shape shape_of_the_file();

/// JSON Schema, draft 2020-12 (https://json-schema.org/draft/2020-12), of what this version supports.
[[nodiscard]] std::string schema_json();

}  // namespace kestrel::config
