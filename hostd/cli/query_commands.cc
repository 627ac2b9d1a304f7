#include "hostd/cli/query_commands.h"

#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/cli/vm_reports.h"
#include "hostd/runner/control_server.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

constexpr Duration answer_time = seconds(10);

wire::Request get(std::string target) {
  wire::Request request;
  request.method = "GET";
  request.target = std::move(target);
  return request;
}

Result<std::string> ask(const std::string& name, std::string_view socket, const wire::Request& request) {
  if (socket == api_socket && is_paused(name)) return Error{"it is paused"};
  auto client = wire::ApiClient::connect_unix(concat(vm_dir(name), '/', socket), answer_time);
  if (!client) return client.error();
  auto response = client->request(request);
  if (!response) return response.error();
  if (response->status / 100 != 2)
    return Error{concat("the answer was ", response->status, ": ", response->body)};
  return std::move(response->body);
}

int print(std::string_view verb, const std::string& name, const Result<std::string>& text) {
  if (!text)
    return fail(ExitCode::host_error, concat("cannot ", verb, ' ', name, ": ", text.error().message));
  std::fputs(text->c_str(), stdout);
  return 0;
}

Result<Outcome> read_exit(const std::string& name) {
  const auto text = sys::read_file(concat(vm_dir(name), '/', exit_file));
  if (!text) return text.error();
  return parse_outcome(*text);
}

int show_end(const std::string& name, OutputFormat format) {
  const auto outcome = read_exit(name);
  if (!outcome) {
    return fail(ExitCode::host_error, concat("cannot show ", name, ": its runner died without a word"),
                concat("see ", vm_dir(name), '/', runner_log_file));
  }
  if (format != OutputFormat::table) {
    std::fputs(in_format(format, to_json(*outcome)).c_str(), stdout);
    return 0;
  }
  std::printf("%s   ended with status %d\n", name.c_str(), outcome->status);
  if (!outcome->message.empty()) std::printf("reason   %s\n", printable(outcome->message).c_str());
  for (const std::string& detail : outcome->details) std::printf("%s\n", printable(detail).c_str());
  return 0;
}

/// Returns when it has ended. A runner that goes away instead of answering has come to its end by itself.
Result<void> ask_to_stop(const std::string& name, const StopOptions& options) {
  // The guest's own deadline is the runner's to watch; this is for a runner that hangs.
  auto client = wire::ApiClient::connect_unix(concat(vm_dir(name), '/', runner_socket), minutes(10));
  if (!client) return {};
  wire::Request request = get(concat("/v1/stop?wait=1", options.is_forced ? "&force=1" : ""));
  request.method = "POST";
  const auto answer = client->request(request);
  if (!answer && answer.error().code == ECONNRESET) return {};
  if (!answer) return answer.error();
  if (answer->status / 100 != 2) return Error{wire::read_refusal(*answer).detail};
  const auto outcome = parse_outcome(answer->body);
  if (outcome && !outcome->message.empty()) {
    std::fputs(concat("kestrelctl: ", name, ": ", printable(outcome->message), '\n').c_str(), stderr);
  }
  return {};
}

}  // namespace

int status_command(const std::string& name, OutputFormat format) {
  if (!is_running(name)) return is_known(name) ? show_end(name, format) : no_such_vm("show", name);
  const auto json = ask(name, runner_socket, get("/v1/vm"));
  if (!json || format != OutputFormat::table)
    return print("show", name, json ? in_format(format, *json) : json);
  return print("show", name, report_status(*json, sys::wall_now()));
}

int services_command(const std::string& name, OutputFormat format) {
  if (!is_running(name)) return not_running("show the services of", name);
  const auto json = ask(name, api_socket, get("/v1/services"));
  if (!json || format != OutputFormat::table)
    return print("show the services of", name, json ? in_format(format, *json) : json);
  return print("show the services of", name, wire::report_services(*json, sys::wall_now()));
}

int service_names_command(const std::string& name) {
  if (!is_running(name)) return not_running("show the services of", name);
  const auto json = ask(name, api_socket, get("/v1/services"));
  const auto names = json ? wire::parse_service_names(*json) : json.error();
  if (!names) return print("show the services of", name, names.error());
  for (const std::string& each : *names) std::puts(printable(each).c_str());
  return 0;
}

int list_names_command() {
  for (const std::string& name : known_vms()) std::puts(name.c_str());
  return 0;
}

int list_command(OutputFormat format) {
  std::vector<ListedVm> vms;
  for (const std::string& name : known_vms()) {
    ListedVm vm{name, "ended", ""};
    if (is_running(name)) {
      vm.state = "unknown";
      if (auto json = ask(name, runner_socket, get("/v1/vm"))) vm.json = std::move(*json);
    }
    vms.push_back(std::move(vm));
  }
  const std::string text =
      format == OutputFormat::table ? report_list(vms, sys::wall_now()) : in_format(format, list_json(vms));
  std::fputs(text.c_str(), stdout);
  return 0;
}

int stop_command(const std::string& name, const StopOptions& options) {
  if (!is_known(name)) return no_such_vm("stop", name);
  if (const auto asked = ask_to_stop(name, options); !asked) {
    return fail(ExitCode::host_error, concat("cannot stop ", name, ": ", asked.error().message));
  }
  if (const auto free = wait_until_ended(vm_dir(name), seconds(10)); !free) {
    return fail(ExitCode::host_error, concat("cannot stop ", name, ": ", free.error().message));
  }
  if (options.removes && is_known(name)) {
    if (const auto removed = remove_ended(vm_dir(name)); !removed) {
      return fail(ExitCode::host_error, concat("cannot remove ", name, ": ", removed.error().message));
    }
  }
  std::puts(name.c_str());
  return 0;
}

}  // namespace kestrel::hostd
