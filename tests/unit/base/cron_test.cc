#include "kestrel/base/cron.h"

#include "tests/unit/base/zones.h"

using namespace kestrel;

namespace {

CronSchedule schedule(std::string_view expression) {
  const auto parsed = CronSchedule::parse(expression);
  if (!parsed) FAIL(expression << ": " << parsed.error().message);
  return *parsed;
}

/// The next `count` moments, as UTC to the minute: `2026-01-31T12:00`.
std::vector<std::string> next(std::string_view expression, std::string_view after, std::size_t count = 1,
                              const TimeZone& zone = TimeZone::utc()) {
  std::vector<std::string> moments;
  std::optional<WallTime> time = parse_time(after);
  REQUIRE(time);
  while (moments.size() < count) {
    time = schedule(expression).next_after(*time, zone);
    if (!time) break;
    const std::string text = format_time(*time);
    CHECK(text.ends_with(":00.000Z"));
    moments.push_back(text.substr(0, 16));
  }
  return moments;
}

std::string error_of(std::string_view expression) {
  const auto parsed = CronSchedule::parse(expression);
  return parsed ? "" : parsed.error().message;
}

using Moments = std::vector<std::string>;

}  // namespace

TEST_CASE("fields have values, ranges, steps, lists and names", "[base]") {
  struct {
    const char* expression;
    const char* after;
    Moments expected;
  } const cases[] = {
      {"* * * * *", "2026-01-01T00:00:00Z", {"2026-01-01T00:01", "2026-01-01T00:02"}},
      {"0 2 * * *", "2026-01-01T01:59:59.999Z", {"2026-01-01T02:00", "2026-01-02T02:00"}},
      {"*/20 3 * * *", "2026-01-01T03:20:00Z", {"2026-01-01T03:40", "2026-01-02T03:00"}},
      {"10-30/10 0 * * *",
       "2026-01-01T00:00:00Z",
       {"2026-01-01T00:10", "2026-01-01T00:20", "2026-01-01T00:30"}},
      {"5,50 6,7 * * *", "2026-01-01T06:10:00Z", {"2026-01-01T06:50", "2026-01-01T07:05"}},
      {"0 9-17/4 * * mon-fri", "2026-01-02T13:00:00Z", {"2026-01-02T17:00", "2026-01-05T09:00"}},
      {"0 0 1 JAN,jul *", "2026-02-01T00:00:00Z", {"2026-07-01T00:00", "2027-01-01T00:00"}},
      {"0 0 * * 7", "2026-01-01T00:00:00Z", {"2026-01-04T00:00", "2026-01-11T00:00"}},
      {"0 0 * * fri-sun",
       "2026-01-01T00:00:00Z",
       {"2026-01-02T00:00", "2026-01-03T00:00", "2026-01-04T00:00"}},
      {"59 23 31 12 *", "2026-01-01T00:00:00Z", {"2026-12-31T23:59", "2027-12-31T23:59"}},
      {"  0\t2  *  * * ", "2026-01-01T00:00:00Z", {"2026-01-01T02:00"}},
  };
  for (const auto& each : cases) {
    INFO(each.expression);
    CHECK(next(each.expression, each.after, each.expected.size()) == each.expected);
  }
}

TEST_CASE("the next moment is strictly later", "[base]") {
  CHECK(next("0 2 * * *", "2026-01-01T02:00:00.000Z") == Moments{"2026-01-02T02:00"});
  CHECK(next("0 2 * * *", "2026-01-01T02:00:00.001Z") == Moments{"2026-01-02T02:00"});
  CHECK(next("* * * * *", "2026-01-01T02:00:59.999Z") == Moments{"2026-01-01T02:01"});
}

TEST_CASE("names stand for the usual schedules", "[base]") {
  CHECK(next("@hourly", "2026-01-01T00:30:00Z") == Moments{"2026-01-01T01:00"});
  CHECK(next("@daily", "2026-01-01T00:30:00Z") == Moments{"2026-01-02T00:00"});
  CHECK(next("@midnight", "2026-01-01T00:30:00Z") == Moments{"2026-01-02T00:00"});
  CHECK(next("@weekly", "2026-01-01T00:30:00Z") == Moments{"2026-01-04T00:00"});
  CHECK(next("@monthly", "2026-01-01T00:30:00Z") == Moments{"2026-02-01T00:00"});
  CHECK(next("@yearly", "2026-01-01T00:30:00Z") == Moments{"2027-01-01T00:00"});
  CHECK(next(" @Annually ", "2026-01-01T00:30:00Z") == Moments{"2027-01-01T00:00"});
}

TEST_CASE("where both days are restricted, either is enough", "[base]") {
  CHECK(next("0 0 13 * fri", "2026-02-01T00:00:00Z", 4) ==
        Moments{"2026-02-06T00:00", "2026-02-13T00:00", "2026-02-20T00:00", "2026-02-27T00:00"});
  CHECK(next("0 0 1 * mon", "2026-06-02T00:00:00Z", 2) == Moments{"2026-06-08T00:00", "2026-06-15T00:00"});
}

TEST_CASE("where one of the days begins with a star, both must fit", "[base]") {
  CHECK(next("0 0 */7 * mon", "2026-01-01T00:00:00Z", 2) == Moments{"2026-06-01T00:00", "2026-06-08T00:00"});
  CHECK(next("0 0 13 * */5", "2026-01-01T00:00:00Z", 2) == Moments{"2026-02-13T00:00", "2026-03-13T00:00"});
}

TEST_CASE("29 February comes in leap years alone", "[base]") {
  CHECK(next("0 12 29 2 *", "2026-01-01T00:00:00Z", 2) == Moments{"2028-02-29T12:00", "2032-02-29T12:00"});
  CHECK(next("0 12 29 2 *", "2096-03-01T00:00:00Z") == Moments{"2104-02-29T12:00"});
  // On Sundays alone (every seventh weekday), across the year 2100, which has none.
  CHECK(next("0 0 29 2 */7", "2088-03-01T00:00:00Z") == Moments{"2128-02-29T00:00"});
  CHECK(next("0 0 31 * *", "2026-01-31T00:00:00Z", 2) == Moments{"2026-03-31T00:00", "2026-05-31T00:00"});
}

TEST_CASE("a day that never comes is never due", "[base]") {
  CHECK(next("0 0 31 2 *", "2026-01-01T00:00:00Z").empty());
  CHECK(next("* * 31 4,6,9,11 *", "2026-01-01T00:00:00Z").empty());
  CHECK(next("0 0 30 feb *", "2026-01-01T00:00:00Z", 1, berlin()).empty());
}

TEST_CASE("a schedule is meant by the clocks of its zone", "[base]") {
  CHECK(next("30 9 * * *", "2026-01-01T00:00:00Z", 2, kolkata()) ==
        Moments{"2026-01-01T04:00", "2026-01-02T04:00"});
  CHECK(next("0 2 * * *", "2026-03-27T12:00:00Z", 2, berlin()) ==
        Moments{"2026-03-28T01:00", "2026-03-29T01:00"});
  CHECK(next("0 0 1 * *", "2026-06-30T00:00:00Z", 1, kolkata()) == Moments{"2026-06-30T18:30"});
}

TEST_CASE("a time that clocks skip is due once, at the first moment after the gap", "[base]") {
  CHECK(next("30 2 * * *", "2026-03-28T12:00:00Z", 2, berlin()) ==
        Moments{"2026-03-29T01:00", "2026-03-30T00:30"});
  CHECK(next("*/15 2 * * *", "2026-03-28T12:00:00Z", 2, berlin()) ==
        Moments{"2026-03-29T01:00", "2026-03-30T00:00"});
  CHECK(next("30 2,3 * * *", "2026-03-28T12:00:00Z", 3, berlin()) ==
        Moments{"2026-03-29T01:00", "2026-03-29T01:30", "2026-03-30T00:30"});
  CHECK(next("0 0 * * *", "2018-11-03T12:00:00Z", 2, sao_paulo()) ==
        Moments{"2018-11-04T03:00", "2018-11-05T02:00"});
}

TEST_CASE("a time that clocks show twice is due once, at the first", "[base]") {
  CHECK(next("30 2 * * *", "2026-10-24T12:00:00Z", 2, berlin()) ==
        Moments{"2026-10-25T00:30", "2026-10-26T01:30"});
  CHECK(next("0,30 2 * * *", "2026-10-25T00:00:00Z", 2, berlin()) ==
        Moments{"2026-10-25T00:30", "2026-10-26T01:00"});
  // From within the second of the two hours.
  CHECK(next("30 2 * * *", "2026-10-25T01:15:00Z", 1, berlin()) == Moments{"2026-10-26T01:30"});
}

TEST_CASE("a schedule for every hour follows time as it passes", "[base]") {
  CHECK(next("0 * * * *", "2026-10-24T23:30:00Z", 4, berlin()) ==
        Moments{"2026-10-25T00:00", "2026-10-25T01:00", "2026-10-25T02:00", "2026-10-25T03:00"});
  CHECK(next("30 * * * *", "2026-03-29T00:00:00Z", 3, berlin()) ==
        Moments{"2026-03-29T00:30", "2026-03-29T01:30", "2026-03-29T02:30"});
  CHECK(next("*/30 * * * sun", "2026-10-25T00:45:00Z", 2, berlin()) ==
        Moments{"2026-10-25T01:00", "2026-10-25T01:30"});
}

TEST_CASE("errors name the field and what it may hold", "[base]") {
  CHECK(error_of("61 * * * *") == "the minute '61' is not within 0-59");
  CHECK(error_of("* 24 * * *") == "the hour '24' is not within 0-23");
  CHECK(error_of("* * 0 * *") == "the day of month '0' is not within 1-31");
  CHECK(error_of("* * * 13 *") == "the month '13' is not within 1-12");
  CHECK(error_of("* * * * 8") == "the day of week '8' is not within 0-7");
  CHECK(error_of("* * * janu *") == "the month 'janu' is no number from 1 to 12, nor a name from jan to dec");
  CHECK(error_of("x * * * *") == "the minute 'x' is no number from 0 to 59");
  CHECK(error_of("1, * * * *") == "the minute '' is no number from 0 to 59");
  CHECK(error_of("-5 * * * *") == "the minute '' is no number from 0 to 59");
  CHECK(error_of("30-10 * * * *") == "the minute '30-10' ends before it begins");
  CHECK(error_of("*/0 * * * *") == "the minute '*/0' needs a step from 1 to 59");
  CHECK(error_of("*/90 * * * *") == "the minute '*/90' needs a step from 1 to 59");
  CHECK(error_of("*/x * * * *") == "the minute '*/x' needs a step from 1 to 59");
  CHECK(error_of("5/15 * * * *") == "the minute '5/15' has a step but no range: write 5-59/15");
  CHECK(error_of("* * L * *") == "the day of month 'L' is no number from 1 to 31");
  CHECK(error_of("99999999999999999999 * * * *") ==
        "the minute '99999999999999999999' is no number from 0 to 59");
}

TEST_CASE("an expression has five fields or a known name", "[base]") {
  constexpr auto five = "it needs five fields, minute, hour, day of month, month and day of week, and has ";
  CHECK(error_of("") == std::string(five) + "0");
  CHECK(error_of("0 2 * *") == std::string(five) + "4");
  CHECK(error_of("0 0 2 * * *") == std::string(five) + "6");
  CHECK(error_of("@dayly") == "@dayly is no known schedule; did you mean @daily?");
  CHECK(error_of("@reboot") == "@reboot is no time: what has no schedule starts at boot");
}
