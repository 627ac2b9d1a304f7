#include "kestrel/base/time_zone.h"

#include "tests/unit/base/zones.h"

using namespace kestrel;
using std::chrono::local_seconds;
using std::chrono::sys_seconds;

namespace {

sys_seconds utc(std::string_view text) { return std::chrono::floor<seconds>(*parse_time(text)); }
/// What clocks show, in the form of UTC.
local_seconds shown(std::string_view text) { return local_seconds{utc(text).time_since_epoch()}; }
std::string text_of(sys_seconds time) { return format_time(time); }
std::string text_of(local_seconds time) { return format_time(sys_seconds{time.time_since_epoch()}); }
std::string cause_of(std::string_view data) {
  const auto zone = TimeZone::parse(data);
  return zone ? "" : zone.error().message;
}

}  // namespace

TEST_CASE("UTC is never ahead of itself", "[base]") {
  CHECK(TimeZone::utc().offset_at(utc("2026-07-01T00:00:00Z")) == seconds(0));
  CHECK(TimeZone::utc().to_utc(shown("2026-07-01T12:00:00Z")) == utc("2026-07-01T12:00:00Z"));
  CHECK_FALSE(TimeZone::utc().next_change(utc("2026-07-01T00:00:00Z")));
}

TEST_CASE("Berlin's clocks follow its rule in any year", "[base]") {
  CHECK(text_of(berlin().to_local(utc("2026-03-29T00:59:59Z"))) == "2026-03-29T01:59:59.000Z");
  CHECK(text_of(berlin().to_local(utc("2026-03-29T01:00:00Z"))) == "2026-03-29T03:00:00.000Z");
  CHECK(text_of(berlin().to_local(utc("2026-10-25T00:59:59Z"))) == "2026-10-25T02:59:59.000Z");
  CHECK(text_of(berlin().to_local(utc("2026-10-25T01:00:00Z"))) == "2026-10-25T02:00:00.000Z");
  CHECK(berlin().offset_at(utc("2099-07-01T00:00:00Z")) == hours(2));
}

TEST_CASE("a time that clocks skip is the first moment after the gap", "[base]") {
  for (const char* time : {"2026-03-29T02:00:00Z", "2026-03-29T02:30:00Z", "2026-03-29T02:59:59Z"}) {
    CHECK(text_of(berlin().to_utc(shown(time))) == "2026-03-29T01:00:00.000Z");
  }
  CHECK(text_of(berlin().to_utc(shown("2026-03-29T01:59:59Z"))) == "2026-03-29T00:59:59.000Z");
  CHECK(text_of(berlin().to_utc(shown("2026-03-29T03:00:00Z"))) == "2026-03-29T01:00:00.000Z");
  CHECK(text_of(sao_paulo().to_utc(shown("2018-11-04T00:00:00Z"))) == "2018-11-04T03:00:00.000Z");
}

TEST_CASE("a time that clocks show twice is the first of the two", "[base]") {
  CHECK(text_of(berlin().to_utc(shown("2026-10-25T02:30:00Z"))) == "2026-10-25T00:30:00.000Z");
  CHECK(text_of(berlin().to_utc(shown("2026-10-25T03:00:00Z"))) == "2026-10-25T02:00:00.000Z");
}

TEST_CASE("a zone's changes come first, its rule afterwards", "[base]") {
  CHECK(sao_paulo().offset_at(utc("2017-01-01T00:00:00Z")) == hours(-3));
  CHECK(sao_paulo().offset_at(utc("2018-12-01T00:00:00Z")) == hours(-2));
  CHECK(sao_paulo().offset_at(utc("2026-12-01T00:00:00Z")) == hours(-3));
  CHECK(text_of(*sao_paulo().next_change(utc("2018-12-01T00:00:00Z"))) == "2019-02-17T02:00:00.000Z");
  CHECK_FALSE(sao_paulo().next_change(utc("2019-02-17T02:00:00Z")));
}

TEST_CASE("a zone may be ahead by half an hour and never change", "[base]") {
  CHECK(text_of(kolkata().to_local(utc("2026-07-01T18:30:00Z"))) == "2026-07-02T00:00:00.000Z");
  CHECK(text_of(kolkata().to_utc(shown("2026-07-02T00:00:00Z"))) == "2026-07-01T18:30:00.000Z");
}

TEST_CASE("a zone that skips a whole day has a gap of a day", "[base]") {
  const TimeZone apia = zone(-36000, {{"2011-12-30T10:00:00.000Z", 50400}}, "<+14>-14");
  CHECK(text_of(apia.to_utc(shown("2011-12-30T12:00:00Z"))) == "2011-12-30T10:00:00.000Z");
  CHECK(text_of(apia.to_utc(shown("2011-12-29T23:59:59Z"))) == "2011-12-30T09:59:59.000Z");
  CHECK(text_of(apia.to_utc(shown("2011-12-31T00:00:00Z"))) == "2011-12-30T10:00:00.000Z");
}

TEST_CASE("rules of all forms say when clocks change", "[base]") {
  struct {
    const char* rule;
    const char* after;
    const char* change;
  } const cases[] = {
      {"EST5EDT,M3.2.0,M11.1.0", "2026-01-01T00:00:00Z", "2026-03-08T07:00:00.000Z"},
      {"EST5EDT,M3.2.0,M11.1.0", "2026-03-08T07:00:00Z", "2026-11-01T06:00:00.000Z"},
      {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-01-01T00:00:00Z", "2026-04-04T16:00:00.000Z"},
      {"AEST-10AEDT,M10.1.0,M4.1.0/3", "2026-06-01T00:00:00Z", "2026-10-03T16:00:00.000Z"},
      {"IST-1GMT0,M10.5.0,M3.5.0/1", "2026-01-01T00:00:00Z", "2026-03-29T01:00:00.000Z"},
      {"<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "2026-01-01T00:00:00Z", "2026-03-29T01:00:00.000Z"},
      {"AAA0BBB,J60/0,J300/0", "2024-01-01T00:00:00Z", "2024-03-01T00:00:00.000Z"},
      {"AAA0BBB,59/0,300/0", "2024-01-01T00:00:00Z", "2024-02-29T00:00:00.000Z"},
  };
  for (const auto& each : cases) {
    INFO(each.rule << " after " << each.after);
    const auto rule = TimeZoneRule::parse(each.rule);
    REQUIRE(rule);
    CHECK(text_of(*rule->next_change(utc(each.after))) == each.change);
  }
}

TEST_CASE("a rule whose daylight saving time never ends never changes clocks", "[base]") {
  const auto rule = TimeZoneRule::parse("EST5EDT,0/0,J365/25");
  REQUIRE(rule);
  CHECK(rule->offset_at(utc("2026-01-01T05:00:00Z")) == hours(-4));
  CHECK_FALSE(rule->next_change(utc("2026-06-01T00:00:00Z")));
}

TEST_CASE("what is no rule is refused", "[base]") {
  for (const char* text :
       {"", "CE-1", "CET", "CET-1CEST", "CET-1CEST,M3.5.0", "CET-1CEST,M13.5.0,M10.5.0",
        "CET-1CEST,M3.6.0,M10.5.0", "CET-1CEST,M3.5.7,M10.5.0", "CET-168", "<>3", "<-03", "CET-1:60",
        "CET-1CEST,J0,J1", "CET-1CEST,366,1", "CET-1CEST,M3.5.0,M10.5.0,", "UTC0 "}) {
    INFO(text);
    CHECK_FALSE(TimeZoneRule::parse(text));
  }
}

TEST_CASE("data that is no time zone is refused with the reason", "[base]") {
  const std::string good = zone_data(0, {{"2018-11-04T03:00:00.000Z", 60}}, "UTC0");
  REQUIRE(cause_of(good).empty());
  CHECK(cause_of("") == "cannot read the time zone: it is no TZif data");
  CHECK(cause_of(zone_header(0, 0, 1, '\0')) ==
        "cannot read the time zone: its format is older than version 2");
  CHECK(cause_of(zone_data(0, {}, "nonsense")) ==
        "cannot read the time zone: its rule nonsense makes no sense");
  CHECK(cause_of(zone_data(100000, {}, "")) == "cannot read the time zone: an offset is longer than a day");
  CHECK(cause_of(zone_data(0, {{"2019-01-01T00:00:00Z", 60}, {"2018-01-01T00:00:00Z", 0}}, "")) ==
        "cannot read the time zone: its changes make no sense");
  for (std::size_t size = 0; size < good.size(); ++size) CHECK_FALSE(TimeZone::parse(good.substr(0, size)));
}

TEST_CASE("counts that claim more than there is are refused", "[base]") {
  std::string data = zone_data(0, {}, "UTC0");
  for (std::size_t at = 20; at < 44; at += 4) {
    std::string lying = data;
    lying.replace(at, 4, "\xFF\xFF\xFF\xFF");
    CHECK_FALSE(TimeZone::parse(lying));
  }
}

TEST_CASE("a time zone's name leads nowhere but to a zone", "[base]") {
  for (const char* name : {"UTC", "Europe/Berlin", "Etc/GMT+3", "America/Argentina/Buenos_Aires"}) {
    CHECK(is_time_zone_name(name));
  }
  for (const char* name : {"", "/etc/passwd", "../../etc/passwd", "Europe/../x", "Europe//Berlin", "Europe/",
                           "Euro pe", "zone.tab", "Europe/Berl\nin"}) {
    INFO(name);
    CHECK_FALSE(is_time_zone_name(name));
  }
}
