#include "kestrel/control/journal.h"

#include <catch2/catch.hpp>

using namespace kestrel;
using namespace kestrel::control;

namespace {

const Now at{MonotonicTime(milliseconds(1500)), WallTime(milliseconds(1'700'000'000'000))};

core::Notice notice(core::NoticeType type) {
  return {.type = type, .service = {}, .pid = {}, .exit = {}, .reason = {}};
}

}  // namespace

TEST_CASE("an event records when, what, and of whom", "[control]") {
  EventJournal journal;
  core::Notice exited = notice(core::NoticeType::service_exited);
  exited.pid = 7;
  exited.exit = core::Exit{.code = 0, .signal = 9, .is_oom_kill = true};
  exited.reason = "killed: \"out of memory\"";
  const EventRecord& record = journal.append(at, exited, "api");
  CHECK(record.seq == 1);
  CHECK(record.time == at.wall);
  CHECK(record.mono_ms == 1500);
  CHECK(record.type == "service.exited");
  CHECK(record.service == "api");
  CHECK(record.data == R"({"pid":7,"code":0,"signal":9,"oom":true,"reason":"killed: \"out of memory\""})");
}

TEST_CASE("an event with nothing to add has empty data", "[control]") {
  EventJournal journal;
  CHECK(journal.append(at, notice(core::NoticeType::vm_ready), "").data == "{}");
}

TEST_CASE("a reader goes on behind the number it knows", "[control]") {
  EventJournal journal;
  for (int i = 0; i < 5; ++i) journal.append(at, notice(core::NoticeType::vm_healthy), "");
  const EventBatch batch = journal.read(2, 2);
  CHECK_FALSE(batch.gap);
  REQUIRE(batch.records.size() == 2);
  CHECK(batch.records[0].seq == 3);
  CHECK(journal.read(5, 10).records.empty());
  CHECK(journal.read(99, 10).records.empty());
}

TEST_CASE("a full journal drops the oldest and tells which", "[control]") {
  EventJournal journal({.events = 10, .memory = mebibytes(1)});
  for (int i = 0; i < 25; ++i) journal.append(at, notice(core::NoticeType::vm_healthy), "");
  const EventBatch batch = journal.read(3, 100);
  CHECK(batch.gap == wire::Gap{.of = wire::Gap::Of::events, .first = 4, .last = 15});
  REQUIRE(batch.records.size() == 10);
  CHECK(batch.records.front().seq == 16);
  CHECK_FALSE(journal.read(15, 100).gap);
}

TEST_CASE("the journal is bounded in bytes, too", "[control]") {
  EventJournal journal({.events = 1000, .memory = kibibytes(64)});
  for (int i = 0; i < 100; ++i) journal.append(at, "x.large", "", std::string(10'000, ' '));
  CHECK(journal.read(0, 1000).records.size() == 6);
  journal.append(at, "x.larger", "", std::string(100'000, ' '));
  CHECK(journal.read(0, 1000).records.size() == 1);
}

TEST_CASE("an append wakes those who follow the journal", "[control]") {
  EventJournal journal;
  int woken = 0;
  Follower follower(journal.followers(), [&] { ++woken; });
  follower.wait();
  journal.append(at, notice(core::NoticeType::vm_ready), "");
  CHECK(woken == 1);
}
