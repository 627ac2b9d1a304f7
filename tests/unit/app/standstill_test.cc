#include "kestrel/app/standstill.h"

#include <catch2/catch.hpp>

namespace kestrel::app {
namespace {

MonotonicTime at(int second) { return MonotonicTime(seconds(second)); }

TEST_CASE("a timer that is served in time or a little late is no standstill", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_served(at(100), at(100)) == Duration::zero());
  CHECK(standstill.note_served(at(100), at(101)) == Duration::zero());
}

TEST_CASE("a timer that is served long after it was due tells of a standstill", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_served(at(100), at(160)) == seconds(60));
}

TEST_CASE("where the clocks stopped as well no deadline has been missed", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_resumed(seconds(30), seconds(-30), at(100)) == Duration::zero());
  CHECK(standstill.note_resumed(seconds(30), seconds(-3600), at(100)) == Duration::zero());
}

TEST_CASE("where the clocks went on all of the pause is to be made good", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_resumed(seconds(30), Duration::zero(), at(100)) == seconds(30));
  CHECK(standstill.note_resumed(seconds(30), seconds(5), at(200)) == seconds(30));
}

TEST_CASE("one standstill that shows twice is made good once", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_served(at(100), at(120)) == seconds(20));
  CHECK(standstill.note_resumed(seconds(30), Duration::zero(), at(121)) == seconds(10));
  // The next one is another.
  CHECK(standstill.note_resumed(seconds(30), Duration::zero(), at(122)) == seconds(30));
}

TEST_CASE("a standstill that the host never spoke of is not taken from a later one", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_served(at(100), at(120)) == seconds(20));
  CHECK(standstill.note_resumed(seconds(30), Duration::zero(), at(1000)) == seconds(30));
}

TEST_CASE("a pause that makes no sense moves nothing", "[app]") {
  Standstill standstill;
  CHECK(standstill.note_resumed(seconds(-5), Duration::zero(), at(100)) == Duration::zero());
}

}  // namespace
}  // namespace kestrel::app
