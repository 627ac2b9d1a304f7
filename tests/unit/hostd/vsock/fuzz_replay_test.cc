// The corpora of the fuzz targets, and mutations of them that are the same in every run.
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "tests/fuzz/vsock_targets.h"

namespace kestrel::hostd::vsock::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

std::vector<Bytes> corpus(const std::string& name) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator("tests/fuzz/corpus/" + name))
    paths.push_back(entry);
  std::sort(paths.begin(), paths.end());
  std::vector<Bytes> inputs;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    inputs.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return inputs;
}

/// A few bytes changed, to what tends to hurt or to anything; now and then a piece lost or doubled.
Bytes mutated(Bytes input, std::mt19937& random) {
  constexpr std::uint8_t edges[] = {0, 1, 0x7f, 0x80, 0xff};
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
        *place = edges[below(std::size(edges))];
        break;
    }
  }
  return input;
}

void replay(const std::string& name, void (*target)(fuzz::Input), int mutations) {
  const std::vector<Bytes> inputs = corpus(name);
  REQUIRE_FALSE(inputs.empty());
  for (const Bytes& input : inputs) target(input);
  std::mt19937 random(1);  // NOLINT: the same in every run is the point
  for (int i = 0; i < mutations; ++i) target(mutated(inputs[random() % inputs.size()], random));
}

}  // namespace

TEST_CASE("no stream of front-end messages does harm", "[vsock][fuzz]") {
  replay("vsock_messages", fuzz::fuzz_messages, 5000);
}

TEST_CASE("no contents of rings and packets do harm", "[vsock][fuzz]") {
  replay("vsock_rings", fuzz::fuzz_rings, 1500);
}

}  // namespace kestrel::hostd::vsock::test
