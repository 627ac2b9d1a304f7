#include "kestrel/config/pattern.h"

#include <re2/re2.h>

namespace kestrel::config {

std::optional<std::string> pattern_error(std::string_view pattern) {
  const re2::RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), re2::RE2::Quiet);
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

}  // namespace kestrel::config
