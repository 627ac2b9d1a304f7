#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "hostd/cli/daemon_client.h"
#include "hostd/cli/failure.h"
#include "hostd/cli/fleet_commands.h"
#include "hostd/cli/fleet_reports.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/file.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// Between two looks at how far it is.
constexpr useconds_t look_interval_us = 200'000;

std::string path_of(const std::string& name) {
  return concat("/v1/deployments/", wire::percent_encode(name));
}

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return 0;
}

Result<json> read_request_file(const std::string& path) {
  const auto text = path == "-"
                        ? Result<std::string>(std::string(std::istreambuf_iterator<char>(std::cin), {}))
                        : sys::read_file(path);
  if (!text) return text.error();
  json document = json::parse(*text, nullptr, false);
  if (!document.is_object()) return Error{concat("cannot read ", path, ": it is no JSON object")};
  return document;
}

/// The file first, so that options win over it.
Result<json> request_of(const DeploymentOptions& options) {
  json document = json::object();
  if (!options.file.empty()) {
    auto read = read_request_file(options.file);
    if (!read) return read.error();
    document = std::move(*read);
  }
  const auto vm = read_request_for_hostd(options.run);
  if (!vm) return vm.error();
  document.update(json::parse(to_json(*vm)));
  if (!options.name.empty()) document["name"] = options.name;
  if (options.replicas) document["replicas"] = *options.replicas;
  if (!options.publish.empty()) document["publish"] = options.publish;
  return document;
}

void show_progress(const DeploymentProgress& progress, std::string& shown) {
  if (::isatty(STDERR_FILENO) == 0) return;
  const std::string line = concat(progress.state, ": ", progress.healthy, " of ", progress.replicas,
                                  " healthy, ", progress.updated, " of the newest revision");
  if (line == shown) return;
  shown = line;
  std::fputs(concat("\r\033[K", line).c_str(), stderr);
}

/// Until all its replicas are healthy, or its update was taken back. `asked` is hostd's answer to what is
/// waited for: the reason in it is that of an update before.
int wait_until_healthy(const std::string& name, const std::string& patience, const std::string& asked) {
  const auto limit = parse_duration(patience);
  if (!limit)
    return fail(ExitCode::usage, concat("cannot wait for `", patience, "`: it is no length of time"));
  const MonotonicTime deadline = sys::monotonic_now() + *limit;
  const auto before = parse_deployment_progress(asked);
  const std::string old_reason = before ? before->rollback_reason : "";
  std::string shown;
  while (true) {
    const auto answer = ask_hostd("GET", path_of(name));
    if (!answer) return hostd_failed("show", name, answer.error());
    const auto progress = parse_deployment_progress(*answer);
    if (!progress) return hostd_failed("show", name, progress.error());
    show_progress(*progress, shown);
    const bool is_done = progress->state == "healthy";
    const bool is_late = sys::monotonic_now() >= deadline;
    const bool is_taken_back = !progress->rollback_reason.empty() && progress->rollback_reason != old_reason;
    if (!shown.empty() && (is_done || is_late || is_taken_back)) std::fputc('\n', stderr);
    if (is_taken_back)
      return fail(ExitCode::host_error, concat("cannot update ", name, ": ", progress->rollback_reason),
                  "it was taken back: the revision before serves");
    if (is_done) return print(name + '\n');
    if (is_late)
      return fail(ExitCode::host_error, concat("cannot wait for ", name, ": ", progress->healthy, " of ",
                                               progress->replicas, " are healthy after ", patience));
    ::usleep(look_interval_us);
  }
}

int wait_if_asked(const DeploymentOptions& options, const std::string& name, const std::string& asked) {
  return options.waits ? wait_until_healthy(name, options.patience, asked) : print(name + '\n');
}

int change(const std::string& verb, const DeploymentOptions& options, const json& patch) {
  const auto changed = ask_hostd("PATCH", path_of(options.name), patch.dump());
  if (!changed) return hostd_failed(verb, options.name, changed.error());
  return wait_if_asked(options, options.name, *changed);
}

}  // namespace

int create_deployment_command(const DeploymentOptions& options) {
  const auto request = request_of(options);
  if (!request) return fail(ExitCode::usage, request.error().message);
  const auto name = request->find("name");
  if (name == request->end() || !name->is_string())
    return fail(ExitCode::usage, "cannot create deployment: it needs a name, with --name or in the file");
  const auto created = ask_hostd("POST", "/v1/deployments", request->dump());
  if (!created) return hostd_failed("create", name->get<std::string>(), created.error());
  return wait_if_asked(options, name->get<std::string>(), *created);
}

int list_deployments_command(const DeploymentOptions& options) {
  const auto deployments = ask_hostd("GET", "/v1/deployments");
  if (!deployments) return hostd_failed("list", "deployments", deployments.error());
  if (options.is_quiet) return print(report_names(*deployments));
  return print_answer(*deployments, options.format, report_deployments);
}

int get_deployment_command(const DeploymentOptions& options) {
  const auto deployment = ask_hostd("GET", path_of(options.name));
  if (!deployment) return hostd_failed("show", options.name, deployment.error());
  return print_answer(*deployment, options.format, report_deployment);
}

int scale_deployment_command(const DeploymentOptions& options) {
  return change("scale", options, {{"replicas", options.replicas.value_or(1)}});
}

int update_deployment_command(const DeploymentOptions& options) {
  const auto patch = request_of(options);
  if (!patch) return fail(ExitCode::usage, patch.error().message);
  return change("update", options, *patch);
}

int delete_deployment_command(const DeploymentOptions& options) {
  const auto deleted = ask_hostd("DELETE", path_of(options.name));
  if (!deleted) return hostd_failed("delete", options.name, deleted.error());
  if (!options.waits) return print(options.name + '\n');
  const auto limit = parse_duration(options.patience);
  if (!limit)
    return fail(ExitCode::usage, concat("cannot wait for `", options.patience, "`: it is no length of time"));
  const MonotonicTime deadline = sys::monotonic_now() + *limit;
  while (ask_hostd("GET", path_of(options.name))) {
    if (sys::monotonic_now() >= deadline)
      return fail(ExitCode::host_error,
                  concat("cannot wait for ", options.name, ": it is still there after ", options.patience));
    ::usleep(look_interval_us);
  }
  return print(options.name + '\n');
}

bool is_fleet_event_kind(std::string_view word) {
  return word == "vms" || word == "services" || word == "deployments";
}

int fleet_events_command(const FleetEventOptions& options) {
  std::string target = concat("/v1/events?kind=", options.kind, options.watches ? "&follow=1" : "");
  if (!options.after.empty()) target += concat("&after=", wire::percent_encode(options.after));
  const auto followed = follow_hostd(target, [](std::string_view bytes) {
    return std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size() && std::fflush(stdout) == 0;
  });
  return followed ? 0 : hostd_failed("read", concat("events of ", options.kind), followed.error());
}

}  // namespace kestrel::hostd
