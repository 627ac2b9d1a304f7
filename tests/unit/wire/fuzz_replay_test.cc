#include "tests/fuzz/replay.h"
#include "tests/fuzz/wire_targets.h"

namespace kestrel::wire {

using kestrel::fuzz::replay;
using kestrel::fuzz::text_edges;

TEST_CASE("no bytes that come for requests do harm", "[wire][fuzz]") {
  replay("http_requests", fuzz::fuzz_requests, text_edges, 5000);
}

TEST_CASE("no bytes that come for responses do harm", "[wire][fuzz]") {
  replay("http_responses", fuzz::fuzz_responses, text_edges, 5000);
}

TEST_CASE("no frames of a stream do harm", "[wire][fuzz]") {
  replay("stream_frames", fuzz::fuzz_frames, kestrel::fuzz::binary_edges, 5000);
}

TEST_CASE("no lines of a link do harm, and what is read of them is what would be written", "[wire][fuzz]") {
  replay("link_messages", fuzz::fuzz_link, text_edges, 5000);
}

TEST_CASE("nothing that is asked of an exec does harm, and what is read of it is what would be asked",
          "[wire][fuzz]") {
  replay("exec_request", fuzz::fuzz_exec_request, text_edges, 5000);
}

}  // namespace kestrel::wire
