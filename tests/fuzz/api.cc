#include <cstddef>
#include <cstdint>

#include "tests/fuzz/api_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kestrel::control::fuzz::fuzz_api({data, size});
  return 0;
}
