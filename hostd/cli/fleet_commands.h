// `kestrelctl vms …`, `deployments …` and `events vms`: what hostd does. Where no hostd runs, those that ask
// about a VM that `kestrelctl run` started ask its runner.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/cli/output_format.h"
#include "hostd/cli/run_options.h"

namespace kestrel::hostd {

struct VmCommandOptions {
  std::string name;
  OutputFormat format = OutputFormat::table;
  bool is_forced = false;
  bool is_quiet = false;
  std::string goal = "healthy";  ///< of `wait`
  std::string patience = "2m";
};

[[nodiscard]] int create_vm_command(const RunOptions& options, bool starts);
[[nodiscard]] int list_vms_command(const VmCommandOptions& options);
[[nodiscard]] int get_vm_command(const VmCommandOptions& options);
[[nodiscard]] int start_vm_command(const VmCommandOptions& options);
[[nodiscard]] int stop_vm_command(const VmCommandOptions& options);
[[nodiscard]] int restart_vm_command(const VmCommandOptions& options);
[[nodiscard]] int delete_vm_command(const VmCommandOptions& options);
[[nodiscard]] int wait_vm_command(const VmCommandOptions& options);

struct DeploymentOptions {
  std::string name;
  std::string file;  ///< with the request as JSON; `-`: standard input
  std::optional<unsigned> replicas;
  std::vector<std::string> publish;
  RunOptions run;
  OutputFormat format = OutputFormat::table;
  bool is_quiet = false;
  bool waits = false;
  std::string patience = "5m";
};
[[nodiscard]] int create_deployment_command(const DeploymentOptions& options);
[[nodiscard]] int list_deployments_command(const DeploymentOptions& options);
[[nodiscard]] int get_deployment_command(const DeploymentOptions& options);
[[nodiscard]] int scale_deployment_command(const DeploymentOptions& options);
[[nodiscard]] int update_deployment_command(const DeploymentOptions& options);
[[nodiscard]] int delete_deployment_command(const DeploymentOptions& options);

/// Whether `events WORD` means hostd's own.
[[nodiscard]] bool is_fleet_event_kind(std::string_view word);
struct FleetEventOptions {
  std::string kind;  ///< vms, services or deployments
  std::string after;
  bool watches = false;
};
/// Always lines of JSON.
[[nodiscard]] int fleet_events_command(const FleetEventOptions& options);

}  // namespace kestrel::hostd
