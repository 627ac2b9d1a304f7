#include "kestrel/probes/pattern.h"

#include <catch2/catch.hpp>

namespace kestrel::probes {

TEST_CASE("a pattern is found anywhere unless it is anchored", "[probes]") {
  const auto pattern = Pattern::create("b+");
  REQUIRE(pattern);
  CHECK(pattern->is_in("aabba"));
  CHECK_FALSE(pattern->is_in("aaa"));
  CHECK_FALSE(Pattern::create("^b")->is_in("ab"));
}

TEST_CASE("a pattern works on bytes that are no text", "[probes]") {
  const auto pattern = Pattern::create("ok");
  REQUIRE(pattern);
  CHECK(pattern->is_in(std::string_view("\0\xff ok \xfe", 7)));
}

TEST_CASE("what is no pattern is an error that quotes it", "[probes]") {
  for (const std::string text : {"(", "[", "a{2", "*"}) {
    const auto pattern = Pattern::create(text);
    if (pattern) continue;  // RE2 reads a lone `{` as itself
    CHECK(pattern.error().message.find("'" + text + "'") != std::string::npos);
  }
  CHECK_FALSE(Pattern::create("("));
}

TEST_CASE("a pattern made to be slow is not", "[probes]") {
  const auto pattern = Pattern::create("(a*)*b");
  REQUIRE(pattern);
  CHECK_FALSE(pattern->is_in(std::string(60'000, 'a')));
}

}  // namespace kestrel::probes
