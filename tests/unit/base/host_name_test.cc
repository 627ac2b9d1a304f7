#include "kestrel/base/host_name.h"

#include <catch2/catch.hpp>
#include <string>

namespace kestrel {
namespace {

TEST_CASE("a host name has labels of letters, digits and inner hyphens", "[base]") {
  for (const char* name : {"web", "web-1", "1", "a.b.example.ORG", "x--y"}) CHECK(is_host_name(name));
  for (const char* name : {"", ".", "a.", ".a", "a..b", "-a", "a-", "a_b", "a b", "a\n", "\xc3\xa4"})
    CHECK_FALSE(is_host_name(name));
}

TEST_CASE("a host name is no longer than it may be", "[base]") {
  CHECK(is_host_name(std::string(64, 'a')));
  CHECK_FALSE(is_host_name(std::string(65, 'a')));
  CHECK(is_host_name(std::string(65, 'a'), 65));
}

}  // namespace
}  // namespace kestrel
