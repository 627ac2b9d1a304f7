// What the guest's API says (JSON, docs/api.md), as text for people: the command lines of both sides show it
// alike. Pure; the current time is handed in.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/output_style.h"
#include "kestrel/base/result.h"
#include "kestrel/base/table.h"
#include "kestrel/base/time.h"
#include "kestrel/wire/http.h"

namespace kestrel::wire {

/// Of GET /v1/services: a row each.
[[nodiscard]] Result<std::string> report_services(std::string_view json, WallTime now,
                                                  Table::Colours colours = Table::Colours::off);

/// The names in it, in its order.
[[nodiscard]] Result<std::vector<std::string>> parse_service_names(std::string_view json);

/// Of GET /v1/services/NAME: all that is known of it.
struct ServiceReport {
  std::string text;
  bool is_in_trouble = false;  ///< failed, blocked, backing off, or unhealthy
};
[[nodiscard]] Result<ServiceReport> report_service(std::string_view json, WallTime now,
                                                   Table::Colours colours);

/// Of GET /v1/health, whatever its status: the verdict, the reasons and the guest's own checks.
[[nodiscard]] Result<std::string> report_health(std::string_view json, WallTime now, Table::Colours colours);

/// Of GET /v1/info and GET /v1/health: one line.
[[nodiscard]] Result<std::string> report_summary(std::string_view info, std::string_view health,
                                                 Table::Colours colours);

/// Of an answer to a command: the services that it changed.
[[nodiscard]] Result<std::vector<std::string>> parse_changed(std::string_view json);

/// An answer that is not successful.
struct Refusal {
  std::string detail;
  std::vector<std::string> dependents;  ///< who stands in the way
};
[[nodiscard]] Refusal read_refusal(const Response& response);

// --- records -----------------------------------------------------------------------------------------------

/// One line for a record of /v1/events; nothing for what is no record.
[[nodiscard]] std::string report_event(std::string_view record);

/// A record of /v1/logs.
struct LogRecord {
  std::string service;
  std::string line;
  std::uint64_t lost = 0;  ///< not a line, but so many lines that are missing
};
[[nodiscard]] Result<LogRecord> parse_log_record(std::string_view record);

/// `[service] line`; each service has a colour of its own where there are colours.
[[nodiscard]] std::string format_log_line(std::string_view service, std::string_view line,
                                          const OutputStyle& style);
[[nodiscard]] std::string format_lost_lines(std::uint64_t lost);

}  // namespace kestrel::wire
