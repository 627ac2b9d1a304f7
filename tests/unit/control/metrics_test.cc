// GET /v1/metrics: what it says, and that Prometheus can read it whatever the names are.
#include "kestrel/control/metrics.h"

#include <algorithm>
#include <regex>
#include <set>

#include "api_bench.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/pressure.h"
#include "kestrel/wire/link_messages.h"

using namespace kestrel;
using namespace kestrel::control;
using namespace kestrel::control::test;

namespace {

ServiceMetrics api_metrics() {
  return {.name = "api",
          .kind = "service",
          .state = core::StateName::running,
          .is_ready = true,
          .health = core::Health::healthy,
          .uptime = milliseconds(1500),
          .restarts = {1, 0, 3},
          .usage = Usage{.memory = kibibytes(4), .memory_peak = kibibytes(8), .cpu = milliseconds(12)},
          .logs = {.lines = 5, .bytes = 640, .dropped = 2}};
}

std::string sample(const std::string& text, std::string_view series) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(concat(series, ' '))) return std::string(line.substr(series.size() + 1));
  }
  return "absent";
}

/// Why a text is not in Prometheus' format, or nothing.
std::string complaint_about(const std::string& text) {
  static const std::regex series(
      R"(([a-z_]+)(\{[a-z_]+="([^"\\\n]|\\["\\n])*"(,[a-z_]+="([^"\\\n]|\\["\\n])*")*\})? -?[0-9]+(\.[0-9]+)?)");
  std::set<std::string> seen, families;
  std::string family, type;
  if (!text.ends_with('\n')) return "the last line does not end";
  for (const std::string_view view : split(std::string_view(text).substr(0, text.size() - 1), '\n')) {
    const std::string line(view);
    std::smatch parts;
    if (line.starts_with("# HELP ")) {
      family = line.substr(7, line.find(' ', 7) - 7);
      if (!families.insert(family).second) return family + " comes twice";
    } else if (line.starts_with("# TYPE ")) {
      type = line.substr(line.rfind(' ') + 1);
      if (line.substr(7, line.find(' ', 7) - 7) != family) return "a type without its help: " + line;
      if ((type == "counter") != family.ends_with("_total")) return "wrong name for its type: " + line;
    } else if (!std::regex_match(line, parts, series)) {
      return "no series: " + line;
    } else if (parts[1] != family) {
      return "not where its family is: " + line;
    } else if (!seen.insert(parts[1].str() + parts[2].str()).second) {
      return "comes twice: " + line;
    }
  }
  return {};
}

}  // namespace

TEST_CASE("a service's metrics have base units and names of their own", "[control]") {
  Metrics metrics;
  metrics.services = {api_metrics()};
  const std::string text = render(metrics);
  CHECK(sample(text, R"(kestrel_service_state{service="api",kind="service",state="running"})") == "1");
  CHECK(sample(text, R"(kestrel_service_ready{service="api"})") == "1");
  CHECK(sample(text, R"(kestrel_service_healthy{service="api"})") == "1");
  CHECK(sample(text, R"(kestrel_service_uptime_seconds{service="api"})") == "1.500000000");
  CHECK(sample(text, R"(kestrel_service_restarts_total{service="api",cause="exit"})") == "1");
  CHECK(sample(text, R"(kestrel_service_restarts_total{service="api",cause="signal"})") == "0");
  CHECK(sample(text, R"(kestrel_service_restarts_total{service="api",cause="oom"})") == "3");
  CHECK(sample(text, R"(kestrel_service_cpu_seconds_total{service="api"})") == "0.012000000");
  CHECK(sample(text, R"(kestrel_service_memory_bytes{service="api"})") == "4096");
  CHECK(sample(text, R"(kestrel_service_memory_peak_bytes{service="api"})") == "8192");
  CHECK(sample(text, R"(kestrel_service_log_lines_total{service="api"})") == "5");
  CHECK(sample(text, R"(kestrel_service_log_bytes_total{service="api"})") == "640");
  CHECK(sample(text, R"(kestrel_service_log_dropped_lines_total{service="api"})") == "2");
  CHECK(complaint_about(text).empty());
}

TEST_CASE("the guest's metrics tell of boot, pressure, link and clock", "[control]") {
  Metrics metrics;
  metrics.info = {.version = "1.2.3", .uptime = seconds(7), .boot = {{"pid 1", 412'000}}};
  metrics.health = core::Health::healthy;
  metrics.pressures = {{"cpu", {.some = milliseconds(20), .full = {}}},
                       {"memory", {.some = milliseconds(30), .full = milliseconds(10)}}};
  metrics.link = LinkView{.is_up = true,
                          .unacknowledged = 12,
                          .clock = LinkView::Clock{.offset = milliseconds(-1250), .age = seconds(3)}};
  metrics.events = 9;
  const std::string text = render(metrics);
  CHECK(sample(text, concat("kestrel_info{version=\"1.2.3\",protocol=\"", wire::protocol, "\"}")) == "1");
  CHECK(sample(text, "kestrel_uptime_seconds") == "7.000000000");
  CHECK(sample(text, "kestrel_healthy") == "1");
  CHECK(sample(text, R"(kestrel_boot_step_seconds{step="pid 1"})") == "0.412000000");
  CHECK(sample(text, "kestrel_events_total") == "9");
  CHECK(sample(text, R"(kestrel_pressure_waiting_seconds_total{resource="memory"})") == "0.030000000");
  CHECK(sample(text, R"(kestrel_pressure_stalled_seconds_total{resource="memory"})") == "0.010000000");
  CHECK(sample(text, R"(kestrel_pressure_stalled_seconds_total{resource="cpu"})") == "absent");
  CHECK(sample(text, "kestrel_link_up") == "1");
  CHECK(sample(text, "kestrel_link_unacknowledged_records") == "12");
  CHECK(sample(text, "kestrel_clock_offset_seconds") == "-1.250000000");
  CHECK(sample(text, "kestrel_clock_age_seconds") == "3.000000000");
  CHECK(complaint_about(text).empty());
}

TEST_CASE("what is not known has no sample, and a family without one is left out", "[control]") {
  Metrics metrics;
  metrics.services = {{.name = "api"}};
  const std::string text = render(metrics);
  CHECK(text.find("memory") == std::string::npos);
  CHECK(text.find("uptime_seconds{") == std::string::npos);
  CHECK(text.find("service_healthy") == std::string::npos);
  CHECK(text.find("kestrel_link") == std::string::npos);
  CHECK(text.find("kestrel_clock") == std::string::npos);
  CHECK(complaint_about(text).empty());
}

TEST_CASE("a name cannot get out of its label", "[control]") {
  CHECK(label_value("a\"b\\c\nd") == R"(a\"b\\c\nd)");
  Metrics metrics;
  metrics.services = {{.name = "x\"} 1\nevil{a=\"\\"}, {.name = "y"}};
  CHECK(complaint_about(render(metrics)).empty());
}

TEST_CASE("the checks of the format find what is wrong", "[control]") {
  CHECK_FALSE(complaint_about("# HELP a b\n# TYPE a gauge\na{b=\"c\"d\"} 1\n").empty());
  CHECK_FALSE(complaint_about("# HELP a b\n# TYPE a counter\na 1\n").empty());
  CHECK_FALSE(complaint_about("# HELP a b\n# TYPE a gauge\na 1\na 1\n").empty());
  CHECK_FALSE(complaint_about("a 1\n").empty());
}

TEST_CASE("metrics are served as Prometheus asks for them", "[control]") {
  Bench bench;
  bench.guest.add("api");
  bench.guest.print("four");
  bench.guest.happen(core::NoticeType::vm_booted);
  const wire::Response response = bench.get("/v1/metrics");
  CHECK(response.status == 200);
  CHECK(wire::find_header(response.headers, "Content-Type") == "text/plain; version=0.0.4; charset=utf-8");
  CHECK(sample(response.body, R"(kestrel_service_log_bytes_total{service="api"})") == "4");
  CHECK(sample(response.body, R"(kestrel_service_memory_bytes{service="api"})") == "4096");
  CHECK(sample(response.body, "kestrel_events_total") == "1");
  CHECK(complaint_about(response.body).empty());
}

TEST_CASE("docs/api.md has each metric with its type, its labels and its meaning", "[control]") {
  std::string table;
  for (const MetricFamily& family : metric_families()) {
    std::string labels;
    for (const std::string_view label : split(family.labels, ','))
      labels += family.labels.empty() ? "" : concat(labels.empty() ? "" : ", ", "`", trim(label), "`");
    table += concat("| `", family.name, "` | ", family.type, " | ", labels, " | ", family.help, " |\n");
  }
  INFO("the table is to be\n" << table);
  CHECK(read_document("api.md").find(table) != std::string::npos);
}

TEST_CASE("pressure is read in microseconds, where the kernel tells it", "[sys]") {
  const auto both = sys::parse_pressure(
      "some avg10=0.12 avg60=0.00 avg300=0.00 total=1234\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=56\n");
  REQUIRE(both);
  CHECK(both->some == std::chrono::microseconds(1234));
  CHECK(both->full == std::chrono::microseconds(56));
  const auto cpu = sys::parse_pressure("some avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
  REQUIRE(cpu);
  CHECK_FALSE(cpu->full);
  CHECK_FALSE(sys::parse_pressure(""));
  CHECK_FALSE(sys::parse_pressure("some total=x\n"));
  CHECK_FALSE(sys::parse_pressure("some total=-1\n"));
  CHECK_FALSE(sys::read_pressure("cpu", "/nowhere"));
}
