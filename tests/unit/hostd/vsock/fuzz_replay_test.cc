#include "tests/fuzz/replay.h"
#include "tests/fuzz/vsock_targets.h"

namespace kestrel::hostd::vsock::test {

TEST_CASE("no stream of front-end messages does harm", "[vsock][fuzz]") {
  kestrel::fuzz::replay("vsock_messages", fuzz::fuzz_messages, kestrel::fuzz::binary_edges, 5000);
}

TEST_CASE("no contents of rings and packets do harm", "[vsock][fuzz]") {
  kestrel::fuzz::replay("vsock_rings", fuzz::fuzz_rings, kestrel::fuzz::binary_edges, 1500);
}

}  // namespace kestrel::hostd::vsock::test
