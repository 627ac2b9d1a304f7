// What characters a configuration may consist of.
#pragma once

#include <optional>
#include <string_view>

#include "kestrel/config/problem.h"

namespace kestrel::config {

/// The first byte that is not UTF-8 or is a control character YAML does not allow (YAML 1.2.2, 5.1: all but
/// tab, line feed and carriage return). yaml-cpp would read past the former and take U+0004 for the end of
/// the text.
[[nodiscard]] std::optional<Problem> encoding_problem(std::string_view text);

}  // namespace kestrel::config
