#include "kestrel/control/metrics.h"

#include <array>

#include "kestrel/base/text.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

/// The samples of one family.
class Samples {
 public:
  Samples(std::string& out, std::string_view name) : out_(&out), name_(name) {}

  void count(std::string_view labels, std::uint64_t value) { add(labels, concat(value)); }
  void flag(std::string_view labels, bool value) { add(labels, value ? "1" : "0"); }
  void time(std::string_view labels, Duration value) {
    std::string nanoseconds = concat(std::chrono::abs(value).count());
    constexpr std::size_t places = 9;
    if (nanoseconds.size() <= places) nanoseconds.insert(0, places + 1 - nanoseconds.size(), '0');
    nanoseconds.insert(nanoseconds.size() - places, ".");
    add(labels, concat(value < Duration::zero() ? "-" : "", nanoseconds));
  }

 private:
  void add(std::string_view labels, std::string_view value) {
    *out_ += labels.empty() ? concat(name_, ' ', value, '\n') : concat(name_, '{', labels, "} ", value, '\n');
  }

  std::string* out_;
  std::string_view name_;
};

std::string label(std::string_view name, std::string_view value) {
  return concat(name, "=\"", label_value(value), '"');
}
std::string label(const ServiceMetrics& service) { return label("service", service.name); }

using Write = void (*)(const Metrics& metrics, Samples& samples);
struct Family {
  MetricFamily described;
  Write write;
};

/// A sample for each service for which `write` has one.
template <void (*write)(const ServiceMetrics& service, std::string_view labels, Samples& samples)>
void each_service(const Metrics& metrics, Samples& samples) {
  for (const ServiceMetrics& service : metrics.services) write(service, label(service), samples);
}

void write_state(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  const std::string kind = label("kind", service.kind), state = label("state", core::name_of(service.state));
  samples.flag(concat(labels, ',', kind, ',', state), true);
}
void write_ready(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  samples.flag(labels, service.is_ready);
}
void write_healthy(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  if (service.health != core::Health::none) samples.flag(labels, service.health == core::Health::healthy);
}
void write_uptime(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  if (service.uptime) samples.time(labels, *service.uptime);
}
void write_restarts(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  for (std::size_t i = 0; i < service.restarts.size(); ++i) {
    const auto cause = label("cause", core::name_of(static_cast<core::ExitCause>(i)));
    samples.count(concat(labels, ',', cause), service.restarts[i]);
  }
}
void write_cpu(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  if (service.usage && service.usage->cpu) samples.time(labels, *service.usage->cpu);
}
void write_memory(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  if (service.usage && service.usage->memory) samples.count(labels, service.usage->memory->count);
}
void write_peak(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  if (service.usage && service.usage->memory_peak) samples.count(labels, service.usage->memory_peak->count);
}
void write_log_lines(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  samples.count(labels, service.logs.lines);
}
void write_log_bytes(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  samples.count(labels, service.logs.bytes);
}
void write_log_drops(const ServiceMetrics& service, std::string_view labels, Samples& samples) {
  samples.count(labels, service.logs.dropped);
}

constexpr std::array families{
    Family{{"kestrel_info", "gauge", "version, protocol", "Always 1; the labels tell the version."},
           [](const Metrics& m, Samples& samples) {
             samples.flag(concat(label("version", m.info.version), ",protocol=\"", m.info.protocol, '"'),
                          true);
           }},
    Family{{"kestrel_uptime_seconds", "gauge", "", "Time since the kernel started."},
           [](const Metrics& m, Samples& samples) { samples.time({}, m.info.uptime); }},
    Family{{"kestrel_healthy", "gauge", "", "Whether the guest as a whole is healthy."},
           [](const Metrics& m, Samples& samples) { samples.flag({}, m.health == core::Health::healthy); }},
    Family{{"kestrel_boot_step_seconds", "gauge", "step",
            "When the boot reached a step, since the kernel started."},
           [](const Metrics& m, Samples& samples) {
             for (const auto& step : m.info.boot)
               samples.time(label("step", step.name), std::chrono::microseconds(step.at_us));
           }},
    Family{{"kestrel_events_total", "counter", "", "Events since the boot."},
           [](const Metrics& m, Samples& samples) { samples.count({}, m.events); }},
    Family{{"kestrel_service_state", "gauge", "service, kind, state",
            "Always 1; the labels tell what a service is and in which state."},
           each_service<write_state>},
    Family{{"kestrel_service_ready", "gauge", "service", "Whether a service is ready."},
           each_service<write_ready>},
    Family{{"kestrel_service_healthy", "gauge", "service",
            "Whether all checks of a service are healthy; absent without checks."},
           each_service<write_healthy>},
    Family{{"kestrel_service_uptime_seconds", "gauge", "service",
            "Time since the service's process started; absent while there is none."},
           each_service<write_uptime>},
    Family{{"kestrel_service_restarts_total", "counter", "service, cause",
            "Restarts by what ended the run before; those that were asked for do not count."},
           each_service<write_restarts>},
    Family{{"kestrel_service_cpu_seconds_total", "counter", "service",
            "Processor time of all processes of a service that runs."},
           each_service<write_cpu>},
    Family{{"kestrel_service_memory_bytes", "gauge", "service",
            "Memory of a service's cgroup, its share of the page cache included."},
           each_service<write_memory>},
    Family{{"kestrel_service_memory_peak_bytes", "gauge", "service",
            "The most that this has been; absent on kernels before 5.19."},
           each_service<write_peak>},
    Family{{"kestrel_service_log_lines_total", "counter", "service", "Lines a service has printed."},
           each_service<write_log_lines>},
    Family{{"kestrel_service_log_bytes_total", "counter", "service",
            "Bytes of these lines, without their ends."},
           each_service<write_log_bytes>},
    Family{{"kestrel_service_log_dropped_lines_total", "counter", "service",
            "Lines that were given up before anybody had taken them."},
           each_service<write_log_drops>},
    Family{{"kestrel_pressure_waiting_seconds_total", "counter", "resource",
            "Time in which at least one task waited for cpu, memory or io (PSI)."},
           [](const Metrics& m, Samples& samples) {
             for (const auto& one : m.pressures)
               samples.time(label("resource", one.resource), one.pressure.some);
           }},
    Family{{"kestrel_pressure_stalled_seconds_total", "counter", "resource",
            "Time in which all tasks that could have run waited (PSI)."},
           [](const Metrics& m, Samples& samples) {
             for (const auto& one : m.pressures) {
               if (one.pressure.full) samples.time(label("resource", one.resource), *one.pressure.full);
             }
           }},
    Family{
        {"kestrel_link_up", "gauge", "", "Whether there is a link to the host; absent where none is wanted."},
        [](const Metrics& m, Samples& samples) {
          if (m.link) samples.flag({}, m.link->is_up);
        }},
    Family{{"kestrel_link_unacknowledged_records", "gauge", "",
            "Events and log lines that the host has not acknowledged."},
           [](const Metrics& m, Samples& samples) {
             if (m.link) samples.count({}, m.link->unacknowledged);
           }},
    Family{{"kestrel_clock_offset_seconds", "gauge", "",
            "The host's clock minus the guest's, before it was corrected, when they were last compared."},
           [](const Metrics& m, Samples& samples) {
             if (m.link && m.link->clock) samples.time({}, m.link->clock->offset);
           }},
    Family{{"kestrel_clock_age_seconds", "gauge", "", "Time since they were last compared."},
           [](const Metrics& m, Samples& samples) {
             if (m.link && m.link->clock) samples.time({}, m.link->clock->age);
           }},
};

ServiceMetrics measure(const Guest& guest, LogRing& ring, core::ServiceId id) {
  core::ServiceView view = guest.view(id);
  ServiceMetrics service{.name = std::move(view.name),
                         .kind = view.kind,
                         .state = view.state,
                         .is_ready = view.is_ready,
                         .health = view.health,
                         .uptime = guest.uptime(id),
                         .restarts = view.restarts_by_cause,
                         .usage = guest.usage(id),
                         .logs = {}};
  if (const auto source = ring.find(service.name)) {
    service.logs = {.lines = ring.pushed(*source),
                    .bytes = ring.pushed_bytes(*source),
                    .dropped = ring.dropped_untaken(*source)};
  }
  return service;
}

}  // namespace

std::string label_value(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    out += c == '\n' ? std::string_view("\\n") : std::string_view(&c, 1);
  }
  return out;
}

std::string render(const Metrics& metrics) {
  std::string out;
  for (const auto& [described, write] : families) {
    const std::size_t before = out.size();
    out += concat("# HELP ", described.name, ' ', described.help, "\n# TYPE ", described.name, ' ',
                  described.type, '\n');
    const std::size_t head = out.size();
    Samples samples(out, described.name);
    write(metrics, samples);
    if (out.size() == head) out.resize(before);
  }
  return out;
}

std::vector<MetricFamily> metric_families() {
  std::vector<MetricFamily> found;
  for (const Family& family : families) found.push_back(family.described);
  return found;
}

Answer get_metrics(const Call& call) {
  Guest& guest = call.guest;
  Metrics metrics{.info = guest.info(), .health = guest.health().status, .link = guest.link()};
  for (std::uint32_t i = 0; i < guest.service_count(); ++i)
    metrics.services.push_back(measure(guest, guest.logs(), {i}));
  for (const std::string_view resource : {"cpu", "memory", "io"}) {
    if (const auto pressure = sys::read_pressure(resource))
      metrics.pressures.push_back({resource, *pressure});
  }
  metrics.events = guest.events().last_seq();
  return wire::Response{.status = 200,
                        .headers = {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}},
                        .body = render(metrics)};
}

}  // namespace kestrel::control
