// What hostd says (JSON, docs/openapi-hostd.yaml), as text for people. Pure; the current time is handed in.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

[[nodiscard]] Result<std::string> report_vms(std::string_view json, WallTime now);
[[nodiscard]] Result<std::string> report_vm(std::string_view json, WallTime now);
[[nodiscard]] Result<std::string> report_deployments(std::string_view json, WallTime now);
[[nodiscard]] Result<std::string> report_deployment(std::string_view json, WallTime now);

/// The names in a list of VMs or deployments, one a line.
[[nodiscard]] std::string report_names(std::string_view json);

/// How far a deployment is, as `scale` and others wait for it.
struct DeploymentProgress {
  std::string state;
  unsigned replicas = 0;
  unsigned healthy = 0;
  unsigned updated = 0;
  std::string rollback_reason;
};
[[nodiscard]] Result<DeploymentProgress> parse_deployment_progress(std::string_view json);

}  // namespace kestrel::hostd
