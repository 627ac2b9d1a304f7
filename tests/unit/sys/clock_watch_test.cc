#include "kestrel/sys/clock_watch.h"

#include <poll.h>

#include <catch2/catch.hpp>

namespace kestrel::sys {
namespace {

// That it speaks when the clock is set is proved in a guest (tests/vm/clock_test.sh): here the clock is not
// ours.
TEST_CASE("a watch of the clock is silent while nobody sets it", "[sys]") {
  const auto watch = open_clock_watch();
  REQUIRE(watch);
  pollfd one{watch->get(), POLLIN, 0};
  CHECK(::poll(&one, 1, 0) == 0);
  CHECK(!hear_clock_was_set(watch->get()));
}

}  // namespace
}  // namespace kestrel::sys
