// How the unit tests replay a fuzz target's corpus, and some thousand mutations of it that are the same in
// every run.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::fuzz {

using Bytes = std::vector<std::uint8_t>;

struct CorpusFile {
  std::string name;
  Bytes bytes;
};

/// Of tests/fuzz/corpus/`target`, by name.
inline std::vector<CorpusFile> read_corpus(const std::string& target) {
  std::vector<CorpusFile> files;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/" + target)) {
    std::ifstream file(entry.path(), std::ios::binary);
    files.push_back({entry.path().filename(),
                     Bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>())});
  }
  const auto by_name = [](const CorpusFile& a, const CorpusFile& b) { return a.name < b.name; };
  std::sort(files.begin(), files.end(), by_name);
  return files;
}

/// A few bytes changed, to one of `edges` or to anything; now and then a piece lost or doubled.
inline Bytes mutate(Bytes input, std::string_view edges, std::mt19937& random) {
  const auto below = [&](std::size_t limit) { return random() % limit; };
  for (std::size_t changes = 1 + below(6); changes > 0 && !input.empty(); --changes) {
    const std::size_t at = below(input.size());
    const auto place = input.begin() + static_cast<std::ptrdiff_t>(at);
    const auto end = place + static_cast<std::ptrdiff_t>(std::min(below(16), input.size() - at));
    switch (below(8)) {
      case 0:
        input.erase(place, end);
        break;
      case 1: {
        const Bytes piece(place, end);
        input.insert(place, piece.begin(), piece.end());
        break;
      }
      case 2:
      case 3:
        *place = static_cast<std::uint8_t>(random());
        break;
      default:
        *place = static_cast<std::uint8_t>(edges[below(edges.size())]);
        break;
    }
  }
  return input;
}

/// What tends to hurt readers of numbers, and of text.
inline constexpr std::string_view binary_edges{"\x00\x01\x7f\x80\xff", 5};
inline constexpr std::string_view text_edges{"\r\n\0 :/%?&=,;\"{}[]-09ax\x7f\x80\xff", 25};

inline void replay(const std::string& name, void (*target)(std::span<const std::uint8_t>),
                   std::string_view edges, int mutations) {
  const std::vector<CorpusFile> corpus = read_corpus(name);
  REQUIRE_FALSE(corpus.empty());
  for (const CorpusFile& file : corpus) target(file.bytes);
  std::mt19937 random(1);  // NOLINT: the same in every run is the point
  for (int i = 0; i < mutations; ++i) target(mutate(corpus[random() % corpus.size()].bytes, edges, random));
}

}  // namespace kestrel::fuzz
