// What the API says of a reload (PUT /v1/config, docs/api.md), as text for people.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/table.h"

namespace kestrel::wire {

/// The plan: a row for each service that it touches, with the reason, and one for the guest where that
/// changes.
[[nodiscard]] Result<std::string> report_reload(std::string_view json, Table::Colours colours);

/// A place in the text that was sent, and what is wrong there; 0:0 = the text as a whole.
struct ConfigProblem {
  int line = 0;
  int column = 0;
  std::string message;
};
/// What a refusal finds wrong with the configuration; nothing where that is not the reason.
[[nodiscard]] std::vector<ConfigProblem> read_config_problems(std::string_view json);

}  // namespace kestrel::wire
