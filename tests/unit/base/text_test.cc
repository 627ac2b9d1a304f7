#include "kestrel/base/text.h"

#include <catch2/catch.hpp>
#include <csignal>

using namespace kestrel;

namespace {
std::optional<Duration> ns(std::int64_t n) { return Duration{n}; }
}  // namespace

TEST_CASE("concat joins text, characters and integers", "[base]") {
  CHECK(concat("pid ", 42, ',', std::string("x"), ' ', -7) == "pid 42,x -7");
  CHECK(concat(UINT64_MAX) == "18446744073709551615");
}

TEST_CASE("split keeps empty parts", "[base]") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("a:b", ':') == Parts{"a", "b"});
  CHECK(split("", ':') == Parts{""});
  CHECK(split(":a::", ':') == Parts{"", "a", "", ""});
}

TEST_CASE("join puts the separator only between parts", "[base]") {
  CHECK(join(std::vector<std::string>{}, ", ").empty());
  CHECK(join(std::vector<std::string>{"a"}, ", ") == "a");
  CHECK(join(std::vector<std::string>{"a", "b", ""}, ", ") == "a, b, ");
}

TEST_CASE("trim removes white space at both ends only", "[base]") {
  CHECK(trim("  a b\t\n") == "a b");
  CHECK(trim(" \n").empty());
  CHECK(trim("").empty());
}

TEST_CASE("an integer is whole, decimal and fits 64 bits", "[base]") {
  CHECK(parse_integer("-12") == -12);
  CHECK(parse_integer("9223372036854775807") == INT64_MAX);
  for (auto bad : {"", " 1", "1 ", "+1", "1.0", "0x10", "9223372036854775808", "--1", "a"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_integer(bad));
  }
}

TEST_CASE("a duration is a sum of amounts with falling units", "[base]") {
  CHECK(parse_duration("0") == ns(0));
  CHECK(parse_duration("0s") == ns(0));
  CHECK(parse_duration("250ms") == Duration{milliseconds(250)});
  CHECK(parse_duration("1.5s") == Duration{milliseconds(1500)});
  CHECK(parse_duration("1m30s") == Duration{seconds(90)});
  CHECK(parse_duration("2h") == Duration{hours(2)});
  CHECK(parse_duration("1d") == Duration{hours(24)});
  CHECK(parse_duration("0.25h") == Duration{minutes(15)});
  CHECK(parse_duration("36525d") == Duration{hours(24) * 36525});
  CHECK(parse_duration("7us3ns") == ns(7003));
}

TEST_CASE("what is no duration is refused", "[base]") {
  for (auto bad : {"",     "5",    "s",   "-5s", "5 s",    " 5s",   "5s ", "5S",     "5x",
                   "1s1s", "1s2m", "1.s", ".5s", "1.5.5s", "0.1ns", "+1s", "36526d", "99999999999999999999s",
                   "1e3s", "1m30"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_duration(bad));
  }
}

TEST_CASE("a formatted duration reads back as the same", "[base]") {
  CHECK(format_duration(Duration{0}) == "0s");
  CHECK(format_duration(milliseconds(250)) == "250ms");
  CHECK(format_duration(seconds(90)) == "1m30s");
  CHECK(format_duration(milliseconds(1500)) == "1.5s");
  CHECK(format_duration(hours(50) + minutes(1)) == "2d2h1m");
  CHECK(format_duration(minutes(1) + milliseconds(250)) == "1m250ms");
  CHECK(format_duration(-seconds(5)) == "-5s");
  for (std::int64_t n :
       {1LL, 999LL, 1000LL, 1'000'001LL, 59'999'999'999LL, 3'600'000'000'001LL, 86'399'000'000'000LL}) {
    CAPTURE(n);
    CHECK(parse_duration(format_duration(Duration{n})) == ns(n));
  }
}

TEST_CASE("an elapsed time is told in two figures", "[base]") {
  CHECK(format_elapsed(Duration{0}) == "0ms");
  CHECK(format_elapsed(Duration{1'830'000}) == "1.8ms");
  CHECK(format_elapsed(milliseconds(850)) == "850ms");
  CHECK(format_elapsed(milliseconds(2499)) == "2.4s");
  CHECK(format_elapsed(milliseconds(59'999)) == "59s");
  CHECK(format_elapsed(seconds(192)) == "3m12s");
  CHECK(format_elapsed(hours(5) + minutes(4)) == "5h04m");
  CHECK(format_elapsed(hours(51)) == "2d03h");
  CHECK(format_elapsed(-seconds(1)) == "0ms");
}

TEST_CASE("sizes are powers of 1024", "[base]") {
  CHECK(parse_bytes("512") == Bytes{512});
  CHECK(parse_bytes("512B") == Bytes{512});
  CHECK(parse_bytes("64K") == kibibytes(64));
  CHECK(parse_bytes("64KiB") == kibibytes(64));
  CHECK(parse_bytes("64MB") == mebibytes(64));
  CHECK(parse_bytes("2g") == mebibytes(2048));
  CHECK(parse_bytes("1T") == Bytes{std::uint64_t{1} << 40});
  CHECK(parse_bytes("18446744073709551615") == Bytes{UINT64_MAX});
  for (auto bad :
       {"", "K", "-1", "1.5G", "1 K", "1X", "1Ki", "512iB", "16777216T", "18446744073709551616", "1KBB"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_bytes(bad));
  }
}

TEST_CASE("sizes for people have one decimal at most", "[base]") {
  CHECK(format_bytes(Bytes{0}) == "0 B");
  CHECK(format_bytes(Bytes{1023}) == "1023 B");
  CHECK(format_bytes(kibibytes(64)) == "64 KiB");
  CHECK(format_bytes(Bytes{3'250'586}) == "3.1 MiB");
  CHECK(format_bytes(Bytes{1024 * 1024 - 1}) == "1 MiB");
  CHECK(format_bytes(Bytes{UINT64_MAX}) == "16 EiB");
}

TEST_CASE("times are RFC 3339 in UTC with milliseconds", "[base]") {
  CHECK(format_time(WallTime{}) == "1970-01-01T00:00:00.000Z");
  CHECK(format_time(WallTime{milliseconds(1'769'860'800'042)}) == "2026-01-31T12:00:00.042Z");
  CHECK(format_time(WallTime{milliseconds(-1)}) == "1969-12-31T23:59:59.999Z");
  CHECK(parse_time("2026-01-31T12:00:00.042Z") == WallTime{milliseconds(1'769'860'800'042)});
  CHECK(parse_time("2026-01-31T13:30:00.0429+01:30") == WallTime{milliseconds(1'769'860'800'042)});
  CHECK(parse_time("2026-01-31 12:00:00Z") == WallTime{milliseconds(1'769'860'800'000)});
  CHECK(parse_time("1970-01-01T00:00:60Z") == WallTime{seconds(60)});
}

TEST_CASE("what is no time is refused", "[base]") {
  for (auto bad : {"", "2026-01-31", "2026-02-30T12:00:00Z", "2026-01-31T24:00:00Z", "2026-01-31T12:00:00",
                   "2026-1-31T12:00:00Z", "2026-01-31T12:00:00.Z", "2026-01-31T12:00:00Zx",
                   "2026-01-31T12:00:00+25:00", "2026-01-31T12:00:00+0100", "-026-01-31T12:00:00Z"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_time(bad));
  }
}

TEST_CASE("the nearest word is the one with the fewest slips", "[base]") {
  const std::vector<std::string_view> keys = {"name", "command", "args", "env", "user", "umask"};
  CHECK(nearest("comand", keys) == "command");
  CHECK(nearest("comamnd", keys) == "command");
  CHECK(nearest("nmae", keys) == "name");
  CHECK(nearest("usr", keys) == "user");
  CHECK(nearest("evn", keys) == "env");
}

TEST_CASE("nothing is suggested for a word that is far from all", "[base]") {
  const std::vector<std::string_view> keys = {"name", "command", "args"};
  CHECK_FALSE(nearest("restart", keys));
  CHECK_FALSE(nearest("5", std::vector<std::string_view>{"b"}));
  CHECK_FALSE(nearest("", keys));
  CHECK_FALSE(nearest(std::string(5000, 'n'), keys));
  CHECK_FALSE(nearest("name", {}));
}

TEST_CASE("signals are known by number, name and full name", "[base]") {
  CHECK(parse_signal("TERM") == SIGTERM);
  CHECK(parse_signal("SIGTERM") == SIGTERM);
  CHECK(parse_signal("hup") == SIGHUP);
  CHECK(parse_signal("15") == SIGTERM);
  CHECK(parse_signal("64") == 64);
  CHECK(parse_signal("SIGRTMIN+3") == 37);
  for (auto bad : {"", "SIG", "0", "65", "-1", "TERMINATE", "RTMIN+31", "RTMIN-1", "RTMINX"}) {
    CAPTURE(bad);
    CHECK_FALSE(parse_signal(bad));
  }
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_name(41) == "signal 41");
}

TEST_CASE("printable text cannot move the cursor or change colours", "[base]") {
  CHECK(printable("plain\ttext") == "plain\ttext");
  CHECK(printable("\x1b[31mred\x1b[0m") == "red");
  CHECK(printable("a\rb\nc\bd\x7f") == "abcd");
  CHECK(printable("\x1b]0;title\aafter") == "after");
  CHECK(printable("\x1b]0;title\x1b\\after") == "after");
  CHECK(printable("\x1b") == "");
  CHECK(printable("\x1b[1;3") == "");
  CHECK(printable("gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa6") ==
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac \xf0\x9f\x90\xa6");
  CHECK(printable("\xc2\x9b"
                  "31m") == "31m");
  CHECK(printable("\x9b"
                  "31m") ==
        "\xef\xbf\xbd"
        "31m");
  CHECK(printable("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");
}
