#include "tests/fuzz/api_targets.h"
#include "tests/fuzz/replay.h"

namespace kestrel::control {

TEST_CASE("every request has an answer, whatever it asks", "[control][fuzz]") {
  kestrel::fuzz::replay("api", fuzz::fuzz_api, kestrel::fuzz::text_edges, 2000);
}

TEST_CASE("no frames of a client do harm to its exec's guest, and with it goes the exec", "[control][fuzz]") {
  kestrel::fuzz::replay("exec_stream", fuzz::fuzz_exec_stream, kestrel::fuzz::binary_edges, 1000);
}

}  // namespace kestrel::control
