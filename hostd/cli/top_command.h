// `kestrelctl vms top` and `kestrelctl metrics`: what guests use.
#pragma once

#include <string>
#include <vector>

#include "hostd/cli/query_commands.h"

namespace kestrel::hostd {

struct TopOptions {
  std::vector<std::string> names;  ///< of VMs; none: all that run
  std::string interval;            ///< between two looks, such as `2s`; empty: a second
  bool is_once = false;
  OutputFormat format = OutputFormat::table;  ///< json: once
};
/// Shows what services use, again and again on one screen, until it is interrupted or nobody looks any more.
[[nodiscard]] int top_command(const TopOptions& options);

/// Prints what the guest answers to GET /v1/metrics. `vm` may be `unix:PATH`.
[[nodiscard]] int metrics_command(const std::string& vm);

}  // namespace kestrel::hostd
