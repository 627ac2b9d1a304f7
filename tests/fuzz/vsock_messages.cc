#include <cstddef>
#include <cstdint>

#include "tests/fuzz/vsock_targets.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  kestrel::hostd::vsock::fuzz::fuzz_messages({data, size});
  return 0;
}
