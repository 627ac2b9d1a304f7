#include "kestrel/app/client_commands.h"

#include <unistd.h>

#include <cstdio>

#include "kestrel/app/api_caller.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/output_style.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::app {

namespace {

constexpr int unhappy = static_cast<int>(ClientStatus::refused);

Table::Colours colours() {
  return sys::output_style_of(STDOUT_FILENO).has_colours ? Table::Colours::on : Table::Colours::off;
}

/// False when nobody takes the output any more.
bool print(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

void print_json(std::string_view answer) { print(answer.ends_with('\n') ? answer : concat(answer, '\n')); }

std::string target_of(const std::string& name, std::string_view rest = {}) {
  return concat("/v1/services/", wire::percent_encode(name), rest);
}

struct VerbWords {
  std::string_view command;  ///< `stop`
  std::string_view path;
  std::string_view doing;  ///< `stopping`
};

VerbWords words_of(ServiceVerb verb) {
  switch (verb) {
    case ServiceVerb::start:
      return {"start", "/start", "starting"};
    case ServiceVerb::stop:
      return {"stop", "/stop", "stopping"};
    case ServiceVerb::stop_by_force:
      return {"stop", "/stop?force=1", "stopping"};
    case ServiceVerb::restart:
      break;
  }
  return {"restart", "/restart", "restarting"};
}

using ShowRecord = std::function<std::string(std::string_view record)>;

/// Streams records and prints them as they come.
int show_records(const ClientOptions& options, std::string intent, const std::string& target,
                 const ShowRecord& show) {
  ApiCaller caller(options.api_path, std::move(intent));
  wire::LineReader lines;
  const bool is_complete = caller.stream(target, [&](std::string_view bytes) {
    const auto records = lines.feed(bytes);
    if (!records) return false;
    std::string out;
    for (const std::string& record : *records) {
      out += options.format == OutputFormat::json ? concat(record, '\n') : show(record);
    }
    return print(out);
  });
  return is_complete ? 0 : caller.status();
}

}  // namespace

int show_services(const ClientOptions& options) {
  ApiCaller caller(options.api_path, "show the services");
  const auto services = caller.get("/v1/services");
  if (!services) return caller.status();
  if (options.format == OutputFormat::json) {
    print_json(*services);
    return 0;
  }
  const auto info = caller.get("/v1/info");
  const auto health = info ? caller.get("/v1/health") : std::nullopt;
  if (!health) return caller.status();
  const auto summary = wire::report_summary(*info, *health, colours());
  const auto table = wire::report_services(*services, sys::wall_now(), colours());
  if (!summary || !table) return caller.fail((summary ? table.error() : summary.error()).message);
  print(concat(*summary, '\n', *table));
  return 0;
}

int show_service(const ClientOptions& options, const std::string& name) {
  ApiCaller caller(options.api_path, concat("show ", name));
  const auto service = caller.get(target_of(name));
  if (!service) return caller.status();
  const auto report = wire::report_service(*service, sys::wall_now(), colours());
  if (!report) return caller.fail(report.error().message);
  if (options.format == OutputFormat::json) {
    print_json(*service);
  } else {
    print(report->text);
  }
  return report->is_in_trouble ? unhappy : 0;
}

int change_service(const ClientOptions& options, ServiceVerb verb, const std::string& name) {
  const VerbWords words = words_of(verb);
  ApiCaller caller(options.api_path, concat(words.command, ' ', name));
  const auto answer = caller.post(target_of(name, words.path));
  if (!answer) return caller.status();
  if (options.format == OutputFormat::json) {
    print_json(*answer);
    return 0;
  }
  const auto changed = wire::parse_changed(*answer);
  if (!changed) return caller.fail(changed.error().message);
  if (changed->empty()) {
    print("nothing to do\n");
  } else {
    print(concat(words.doing, ' ', join(*changed, ", "), '\n'));
  }
  return 0;
}

int signal_service(const ClientOptions& options, const std::string& name, int signal) {
  ApiCaller caller(options.api_path, concat("signal ", name));
  const auto answer = caller.post(target_of(name, "/signal"), concat(R"({"signal":)", signal, '}'));
  if (!answer) return caller.status();
  if (options.format == OutputFormat::json) {
    print_json(*answer);
  } else {
    print(concat("sent ", signal_name(signal), " to ", name, '\n'));
  }
  return 0;
}

int show_logs(const ClientOptions& options, const RecordOptions& records) {
  std::string target = concat("/v1/logs?follow=", records.follows ? 1 : 0);
  if (!records.service.empty()) target += concat("&service=", wire::percent_encode(records.service));
  if (records.last) target += concat("&lines=", *records.last);
  if (!records.since.empty()) target += concat("&since=", wire::percent_encode(records.since));
  const OutputStyle style = sys::output_style_of(STDOUT_FILENO);
  const bool is_of_one = !records.service.empty();
  const std::string intent = is_of_one ? concat("read the log of ", records.service) : "read the logs";
  return show_records(options, intent, target, [&](std::string_view text) {
    const auto record = wire::parse_log_record(text);
    if (!record) return std::string();
    if (record->lost > 0) return wire::format_lost_lines(record->lost);
    if (!is_of_one) return wire::format_log_line(record->service, record->line, style);
    return concat(style.is_interactive ? printable(record->line) : record->line, '\n');
  });
}

int show_events(const ClientOptions& options, const RecordOptions& records) {
  std::string target = concat("/v1/events?follow=", records.follows ? 1 : 0);
  if (records.after) target += concat("&after=", *records.after);
  return show_records(options, "read the events", target, wire::report_event);
}

int show_health(const ClientOptions& options) {
  ApiCaller caller(options.api_path, "show the health");
  const auto health = caller.get("/v1/health");
  if (!health) return caller.status();
  if (options.format == OutputFormat::json) {
    print_json(*health);
  } else {
    const auto report = wire::report_health(*health, sys::wall_now(), colours());
    if (!report) return caller.fail(report.error().message);
    print(*report);
  }
  return caller.last_http_status() == 200 ? 0 : unhappy;
}

int change_power(const ClientOptions& options, const std::string& action) {
  ApiCaller caller(options.api_path, action == "reboot" ? "reboot" : "shut down");
  const auto answer = caller.post("/v1/power", concat(R"({"action":")", action, "\"}"));
  if (!answer) return caller.status();
  if (options.format == OutputFormat::json) {
    print_json(*answer);
  } else {
    print(action == "reboot" ? "rebooting\n" : "shutting down\n");
  }
  return 0;
}

}  // namespace kestrel::app
