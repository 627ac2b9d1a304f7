// `kestrelctl vms pause` and `kestrelctl vms resume`.
#pragma once

#include <string>
#include <string_view>

#include "hostd/cli/query_commands.h"

namespace kestrel::hostd {

[[nodiscard]] int pause_command(const std::string& name, OutputFormat format);
/// Returns when the guest has told what it made of having stood still, or cannot.
[[nodiscard]] int resume_command(const std::string& name, OutputFormat format);

/// Of the runner's answer to a resume: one line for people.
[[nodiscard]] Result<std::string> report_resume(const std::string& name, std::string_view json);

}  // namespace kestrel::hostd
