#include <cstddef>
#include <cstdint>

#include "tests/fuzz/tar_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kestrel::wire::fuzz::fuzz_tar({data, size});
  return 0;
}
