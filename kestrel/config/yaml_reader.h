// Text to raw values: the only place that knows the YAML library.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "kestrel/config/problem.h"
#include "kestrel/config/raw.h"

namespace kestrel::config {

// The bounds of what is read, beside those of screening.h. The text may come from a stranger (`PUT
// /v1/config`), and PID 1 reads it.
inline constexpr int max_nesting = 64;
/// Counted with every alias expanded, so a few lines cannot stand for billions of values.
inline constexpr std::size_t max_values = 100'000;

/// The one document in `text`, merge keys (`<<`) resolved; an empty text is a RawNothing. nullopt: it is not
/// YAML, or beyond the bounds. What can be read on from (a duplicate key, a tag) adds to `problems` and
/// yields a tree all the same.
[[nodiscard]] std::optional<RawTree> read_yaml(std::string_view text, Problems& problems);

}  // namespace kestrel::config
