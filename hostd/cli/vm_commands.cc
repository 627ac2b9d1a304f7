#include <cerrno>
#include <cstdio>

#include "hostd/cli/daemon_client.h"
#include "hostd/cli/failure.h"
#include "hostd/cli/fleet_commands.h"
#include "hostd/cli/fleet_reports.h"
#include "hostd/cli/query_commands.h"
#include "hostd/runner/known_vms.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

namespace {

/// hostd's own deadlines end in force after that at most, for a guest with the usual ones.
constexpr Duration stop_patience = minutes(10);
/// Beyond what hostd is asked to wait.
constexpr Duration answer_margin = seconds(10);

std::string path_of(const std::string& name, std::string_view action = {}) {
  return concat("/v1/vms/", wire::percent_encode(name), action);
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

int print_name(const std::string& name) { return print(name + '\n'); }

/// Whether `name` is a VM that hostd does not know, but somebody else runs.
bool is_of_another(const std::string& name, const Error& error) {
  return (error.code == ENOENT || error.code == ENOTCONN) && is_known(name);
}

Result<void> wait_for(const std::string& name, const std::string& goal, Duration patience) {
  const auto reached =
      ask_hostd("GET", concat(path_of(name, "/wait?for="), goal, "&timeout=", format_duration(patience)), {},
                patience + answer_margin);
  return reached ? Result<void>() : Result<void>(reached.error());
}

int wait_and_print(std::string_view verb, const std::string& name, const std::string& goal,
                   const std::string& patience) {
  const auto limit = parse_duration(patience);
  if (!limit)
    return fail(ExitCode::usage, concat("cannot wait for `", patience, "`: it is no length of time"));
  const auto reached = wait_for(name, goal, *limit);
  if (!reached) return hostd_failed(verb, name, reached.error());
  return print_name(name);
}

}  // namespace

int create_vm_command(const RunOptions& options, bool starts) {
  const auto request = read_request_for_hostd(options);
  if (!request) return fail(ExitCode::usage, request.error().message);
  const auto created = ask_hostd("POST", starts ? "/v1/vms" : "/v1/vms?start=0", to_json(*request));
  if (!created) return hostd_failed("create", options.vm.name, created.error());
  if (!starts || options.wait == "none") return print_name(options.vm.name);
  return wait_and_print("create", options.vm.name, options.wait, options.wait_timeout);
}

int list_vms_command(const VmCommandOptions& options) {
  const auto vms = ask_hostd("GET", "/v1/vms");
  if (!vms && vms.error().code == ENOTCONN)
    return options.is_quiet ? list_names_command() : list_command(options.format);
  if (!vms) return hostd_failed("list", "VMs", vms.error());
  if (options.is_quiet) return print(report_names(*vms));
  return print_answer(*vms, options.format, report_vms);
}

int get_vm_command(const VmCommandOptions& options) {
  const auto vm = ask_hostd("GET", path_of(options.name));
  if (!vm && is_of_another(options.name, vm.error())) return status_command(options.name, options.format);
  if (!vm) return hostd_failed("show", options.name, vm.error());
  return print_answer(*vm, options.format, report_vm);
}

int start_vm_command(const VmCommandOptions& options) {
  const auto started = ask_hostd("POST", path_of(options.name, "/start"));
  if (!started) return hostd_failed("start", options.name, started.error());
  return wait_and_print("start", options.name, options.goal, options.patience);
}

int stop_vm_command(const VmCommandOptions& options) {
  const auto stopped =
      ask_hostd("POST", path_of(options.name, options.is_forced ? "/stop?wait=1&force=1" : "/stop?wait=1"),
                {}, stop_patience);
  if (!stopped && is_of_another(options.name, stopped.error()))
    return stop_command(options.name, {options.is_forced, false});
  if (!stopped) return hostd_failed("stop", options.name, stopped.error());
  return print_name(options.name);
}

int restart_vm_command(const VmCommandOptions& options) {
  const auto restarted = ask_hostd(
      "POST", path_of(options.name, options.is_forced ? "/restart?force=1" : "/restart"), {}, stop_patience);
  if (!restarted) return hostd_failed("restart", options.name, restarted.error());
  return wait_and_print("restart", options.name, options.goal, options.patience);
}

int delete_vm_command(const VmCommandOptions& options) {
  const auto deleted =
      ask_hostd("DELETE", path_of(options.name, options.is_forced ? "?force=1" : ""), {}, stop_patience);
  if (!deleted && is_of_another(options.name, deleted.error()))
    return stop_command(options.name, {options.is_forced, true});
  if (!deleted) return hostd_failed("delete", options.name, deleted.error());
  return print_name(options.name);
}

int wait_vm_command(const VmCommandOptions& options) {
  return wait_and_print("wait for", options.name, options.goal, options.patience);
}

}  // namespace kestrel::hostd
