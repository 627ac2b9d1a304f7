#include "hostd/cli/timeline.h"

#include <catch2/catch.hpp>
#include <regex>

#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

constexpr std::string_view guest = R"({
  "boot": [{"name": "pid 1", "at_us": 400000}, {"name": "mounts", "at_us": 402500}, {"name": "ready", "at_us": 900000}],
  "services": [
    {"name": "migrate", "kind": "job", "starting_us": 500000, "started_us": 500000, "ready_us": 500000,
     "healthy_us": null, "completed_us": 700000},
    {"name": "api", "kind": "service", "starting_us": 700000, "started_us": 750000, "ready_us": 900000,
     "healthy_us": 1000000, "completed_us": null}]})";

BootTimeline parsed(std::string_view json) {
  const auto timeline = parse_timeline(json);
  REQUIRE(timeline);
  return *timeline;
}

/// The tags that are open at the end, or the first one that does not fit.
std::vector<std::string> unbalanced_tags(const std::string& xml) {
  std::vector<std::string> open;
  const std::regex tag(R"(<(/?)([a-z]+)((?: [a-z0-9A-Z:]+="[^"<>]*")*)(/?)>)");
  std::string rest = xml.substr(xml.find("?>") + 2);
  for (std::smatch match; std::regex_search(rest, match, tag); rest = match.suffix()) {
    if (match.prefix().str().find_first_of("<>") != std::string::npos)
      return {"stray " + match.prefix().str()};
    if (match[1].length() > 0) {
      if (open.empty() || open.back() != match[2]) return {"closed " + match[2].str()};
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
  }
  if (rest.find_first_of("<>") != std::string::npos) return {"stray " + rest};
  return open;
}

std::size_t count(const std::string& text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++found;
  return found;
}

std::string line_with(const std::string& text, std::string_view word) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.find(word) != std::string_view::npos) return std::string(line);
  }
  return {};
}

}  // namespace

TEST_CASE("a timeline is read from what the guest tells", "[hostd]") {
  const BootTimeline timeline = parsed(guest);
  REQUIRE(timeline.steps.size() == 3);
  CHECK(timeline.steps[0].at_us == 400'000);
  REQUIRE(timeline.services.size() == 2);
  CHECK(timeline.services[0].completed_us == 700'000);
  CHECK_FALSE(timeline.services[0].healthy_us);
  CHECK(end_of(timeline) == 1'000'000);
}

TEST_CASE("what is no timeline is refused, and what is odd in one is left out", "[hostd]") {
  CHECK_FALSE(parse_timeline("[]"));
  CHECK_FALSE(parse_timeline("x"));
  CHECK_FALSE(parse_timeline(std::string(100'000, '{')));
  const BootTimeline odd =
      parsed(R"({"boot": 1, "services": [1, {"name": 7, "starting_us": "x", "ready_us": -5}]})");
  CHECK(odd.steps.empty());
  REQUIRE(odd.services.size() == 1);
  CHECK(odd.services[0].starting_us == 0);
  CHECK(odd.services[0].ready_us == 0);
  CHECK(end_of(BootTimeline{}) == 1);
}

TEST_CASE("where kestrel has no machine of its own the times count from its start", "[hostd]") {
  const BootTimeline timeline = parsed(
      R"({"boot": [{"name": "run", "at_us": 5000}], "services": [{"name": "a", "starting_us": 5100, "started_us": 5200}]})");
  CHECK(timeline.steps[0].at_us == 0);
  CHECK(timeline.services[0].started_us == 200);
}

TEST_CASE("the text has each step with what it took, and each service with its times", "[hostd]") {
  const std::string text = timeline_text(parsed(guest));
  CHECK(line_with(text, "mounts") == "0.403s   0.003s   mounts");
  CHECK(line_with(text, "api").starts_with("api       0.700s     0.750s   0.900s   1.000s    -"));
  CHECK(line_with(text, "migrate").find("0.700s      █") != std::string::npos);
  CHECK(count(line_with(text, "api"), "█") == 9);
}

TEST_CASE("the picture is well-formed XML with a row for each step and service", "[hostd]") {
  const std::string svg = timeline_svg(parsed(guest), "web");
  CHECK(unbalanced_tags(svg).empty());
  CHECK(count(svg, "class=\"step\"") == 3 + 1);  // and one in the legend
  CHECK(count(svg, "class=\"mark\"") == 1);
  CHECK(svg.find(">mounts (2.5ms)<") != std::string::npos);
  CHECK(svg.find(">migrate (200.0ms)<") != std::string::npos);
  CHECK(svg.find(">web: 1.000s<") != std::string::npos);
}

TEST_CASE("the picture is to scale", "[hostd]") {
  const std::string svg = timeline_svg(parsed(guest), "web");
  // 1000 pixels are a second, from 20 on.
  CHECK(svg.find(R"(<rect class="waiting" x="720" y="142" width="50")") != std::string::npos);
  CHECK(svg.find(R"(<rect class="starting" x="770" y="142" width="150")") != std::string::npos);
}

TEST_CASE("no name gets out of its place in the picture", "[hostd]") {
  BootTimeline timeline = parsed(guest);
  timeline.services[0].name = "</text><script>\"&\x01";
  const std::string svg = timeline_svg(timeline, "a<b");
  CHECK(unbalanced_tags(svg).empty());
  CHECK(svg.find("script>") == std::string::npos);
  CHECK(svg.find('\x01') == std::string::npos);
}

TEST_CASE("a timeline without anything in it can be drawn", "[hostd]") {
  CHECK(unbalanced_tags(timeline_svg({}, "web")).empty());
  CHECK_FALSE(timeline_text({}).empty());
}
