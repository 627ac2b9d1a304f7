#include "kestrel/app/restart_tally.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using kestrel::app::RestartTally;
using kestrel::core::ExitCause;

namespace {
std::uint32_t count(const RestartTally& tally, ExitCause cause) {
  return tally.counts()[static_cast<std::size_t>(cause)];
}
}  // namespace

TEST_CASE("a restart counts for what ended the run before", "[app]") {
  RestartTally tally;
  tally.note(1, ExitCause::oom);
  tally.note(2, ExitCause::exit);
  tally.note(3, ExitCause::oom);
  CHECK(count(tally, ExitCause::oom) == 2);
  CHECK(count(tally, ExitCause::exit) == 1);
  CHECK(count(tally, ExitCause::signal) == 0);
}

TEST_CASE("a start that somebody asked for counts for nothing", "[app]") {
  RestartTally tally;
  tally.note(1, ExitCause::exit);
  tally.note(1, ExitCause::stop);
  CHECK(count(tally, ExitCause::exit) == 1);
  CHECK(count(tally, ExitCause::stop) == 0);
}
