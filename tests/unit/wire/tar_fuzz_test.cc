// The corpus of the tar reader's fuzz target, and mutations of it that are the same in every run.
#include <cstdio>

#include "tests/fuzz/replay.h"
#include "tests/fuzz/tar_targets.h"

namespace kestrel::wire::test {

namespace {

using Input = kestrel::fuzz::Bytes;
using kestrel::fuzz::read_corpus;

/// Without this every mutation of a header would end at its checksum.
void mend_checksums(Input& input) {
  for (std::size_t block = 1; block + 512 <= input.size(); block += 512) {
    if (input[block + 257] != 'u') continue;
    unsigned sum = 8 * ' ';
    for (std::size_t i = 0; i < 512; ++i) sum += i >= 148 && i < 156 ? 0 : input[block + i];
    char digits[8];
    std::snprintf(digits, sizeof digits, "%06o", sum);
    std::copy_n(digits, 7, input.begin() + static_cast<std::ptrdiff_t>(block + 148));
  }
}

Input mutated(Input input, std::mt19937& random) {
  constexpr std::uint8_t edges[] = {0, 1, '0', '7', '9', ' ', '/', 0x7f, 0x80, 0xff, 'x', 'L'};
  for (std::size_t changes = 1 + random() % 6; changes > 0; --changes) {
    const std::size_t block = 512 * (random() % (1 + input.size() / 512));
    const std::size_t at = std::min(block + random() % 512, input.size() - 1);
    input[at] = edges[random() % std::size(edges)];
  }
  mend_checksums(input);
  return input;
}

std::size_t members_in(const Input& input) {
  std::string_view rest(reinterpret_cast<const char*>(input.data()) + 1, input.size() - 1);
  TarReader reader;
  std::size_t members = 0;
  for (auto item = reader.next(rest); item && *item; item = reader.next(rest))
    members += std::holds_alternative<TarMember>(**item) ? 1 : 0;
  return members;
}

}  // namespace

TEST_CASE("no archive does harm", "[wire][fuzz]") {
  const auto inputs = read_corpus("tar");
  REQUIRE(inputs.size() > 5);
  for (const auto& [name, input] : inputs) fuzz::fuzz_tar(input);
  std::mt19937 random(1);  // NOLINT: the same in every run is the point
  for (int i = 0; i < 5000; ++i) fuzz::fuzz_tar(mutated(inputs[random() % inputs.size()].bytes, random));
}

TEST_CASE("archives of GNU tar are read, whatever their format", "[wire]") {
  for (const auto& [name, input] : read_corpus("tar")) {
    INFO(name);
    if (name == "gnu" || name == "pax") CHECK(members_in(input) == 11);
    if (name == "binary-number" || name == "global") CHECK(members_in(input) == 1);
  }
}

}  // namespace kestrel::wire::test
