// The fuzz target of the tar reader: it takes any bytes, in pieces, and must neither crash nor hand on more
// than came in. tar.cc makes a libFuzzer program of it; the unit tests replay its corpus and mutations.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "kestrel/wire/tar.h"

namespace kestrel::wire::fuzz {

/// The first byte says how long the pieces are.
inline void fuzz_tar(std::span<const std::uint8_t> input) {
  if (input.empty()) return;
  const std::size_t piece = input[0] == 0 ? input.size() : input[0];
  std::string_view rest(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
  TarReader reader;
  std::size_t data = 0;
  while (!rest.empty()) {
    std::string_view front = rest.substr(0, piece);
    rest.remove_prefix(front.size());
    for (;;) {
      const auto item = reader.next(front);
      if (!item) return;
      if (!*item) break;
      if (const auto* bytes = std::get_if<TarData>(&**item)) data += bytes->bytes.size();
      if (const auto* member = std::get_if<TarMember>(&**item); member != nullptr)
        static_cast<void>(tar_header(*member));
    }
  }
  if (data > input.size()) std::abort();
}

}  // namespace kestrel::wire::fuzz
