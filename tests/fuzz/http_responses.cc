#include <cstddef>
#include <cstdint>

#include "tests/fuzz/wire_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kestrel::wire::fuzz::fuzz_responses({data, size});
  return 0;
}
