// What VMs, guests and records say (JSON), as text for people. Pure, but for the current time that is handed
// in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// Of the runner's GET /v1/vm.
[[nodiscard]] Result<std::string> report_status(std::string_view json, WallTime now);
/// Of the guest's GET /v1/services.
[[nodiscard]] Result<std::string> report_services(std::string_view json, WallTime now);
/// One line for each record of /v1/events; what is no record is left out.
[[nodiscard]] std::string report_event(std::string_view record);

/// One VM in the list; `json` is empty for one that does not answer.
struct ListedVm {
  std::string name;
  std::string state;  ///< for one that is not asked: `ended`, `unknown`
  std::string json;
};
[[nodiscard]] std::string report_list(const std::vector<ListedVm>& vms, WallTime now);
[[nodiscard]] std::string list_json(const std::vector<ListedVm>& vms);

/// A record of /v1/logs.
struct LogRecord {
  std::string service;
  std::string line;
  std::uint64_t lost = 0;  ///< not a line, but so many lines that are missing
};
[[nodiscard]] Result<LogRecord> parse_log_record(std::string_view record);

}  // namespace kestrel::hostd
