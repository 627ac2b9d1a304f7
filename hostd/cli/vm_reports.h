// What VMs' runners say (JSON), as text for people; wire/api_reports.h does it for what guests say. Pure; the
// current time is handed in.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// Of the runner's GET /v1/vm.
[[nodiscard]] Result<std::string> report_status(std::string_view json, WallTime now);

/// One VM in the list; `json` is empty for one that does not answer.
struct ListedVm {
  std::string name;
  std::string state;  ///< for one that is not asked: `ended`, `unknown`
  std::string json;
};
[[nodiscard]] std::string report_list(const std::vector<ListedVm>& vms, WallTime now);
[[nodiscard]] std::string list_json(const std::vector<ListedVm>& vms);

}  // namespace kestrel::hostd
