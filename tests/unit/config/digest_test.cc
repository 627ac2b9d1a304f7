#include "kestrel/config/digest.h"

#include <catch2/catch.hpp>

using kestrel::config::digest;

TEST_CASE("the digest is FNV-1a of 64 bits in sixteen digits", "[config]") {
  // Values published with the algorithm.
  CHECK(digest("") == "cbf29ce484222325");
  CHECK(digest("a") == "af63dc4c8601ec8c");
  CHECK(digest("foobar") == "85944171f73967e8");
}
