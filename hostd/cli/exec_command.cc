#include "hostd/cli/exec_command.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>

#include "hostd/cli/exec_session.h"
#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/cli/run_options.h"
#include "hostd/cli/terminal_mode.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"
#include "kestrel/wire/exec_messages.h"

namespace kestrel::hostd {

namespace {

constexpr int status_timed_out = 124;  ///< as of timeout(1)
constexpr int status_cannot_execute = 126;
constexpr int status_not_found = 127;
constexpr int signal_offset = 128;
/// A program can be slow to come from a disk.
constexpr Duration answer_time = seconds(60);

/// What every message of one command begins with.
struct Intent {
  std::string verb;
  std::string vm;
  [[nodiscard]] std::string text() const { return concat("cannot ", verb, ' ', vm); }
};

int fail(const Intent& intent, std::string_view cause, std::string_view hint = {}) {
  return fail(ExitCode::host_error, concat(intent.text(), ": ", printable(cause)), hint);
}

wire::Request stream_request(std::string method, std::string target, std::string body = {}) {
  return {.method = std::move(method),
          .target = std::move(target),
          .headers = {{"Connection", "Upgrade"},
                      {"Upgrade", std::string(wire::stream_protocol)},
                      {"Content-Type", "application/json"}},
          .body = std::move(body)};
}

Result<wire::ApiClient::Upgraded> open_stream(const std::string& api, const wire::Request& request) {
  auto client = wire::ApiClient::connect_unix(api, answer_time);
  if (!client) return client.error();
  return client->upgrade(request);
}

int refuse(const Intent& intent, const wire::Response& answer) {
  if (const auto failure = wire::read_exec_failure(answer)) {
    std::fputs(concat("kestrelctl: ", printable(failure->cause), '\n').c_str(), stderr);
    return failure->stage == "exec" && failure->error == ENOENT ? status_not_found : status_cannot_execute;
  }
  return fail(intent, wire::read_refusal(answer).detail);
}

int status_of(const wire::ExecExit& exit) {
  if (exit.is_timeout) {
    std::fputs("kestrelctl: the command took longer than it may, and was killed\n", stderr);
    return status_timed_out;
  }
  if (exit.is_oom_kill) std::fputs("kestrelctl: the command was killed: out of memory\n", stderr);
  return exit.signal != 0 ? signal_offset + exit.signal : exit.code;
}

/// `offset` is where the output begins; `exec_id` is empty for an exec that ends with its client.
int run_session(const Intent& intent, wire::ApiClient::Upgraded connection, const ExecSessionOptions& options,
                std::uint64_t offset = 0, const std::string& exec_id = {}) {
  ExecSession session(std::move(connection), options);
  const auto exit = session.run();
  if (exit) return status_of(*exit);
  if (exit.error().code == EPIPE) return signal_offset + SIGPIPE;
  const auto way_back = concat("it goes on; come back with: kestrelctl attach --offset ",
                               offset + session.received(), ' ', intent.vm, ' ', exec_id);
  return fail(intent, exit.error().message, exec_id.empty() ? std::string_view() : way_back);
}

ExecSessionOptions session_options(const std::string& vm, bool passes_input, bool has_terminal) {
  return {passes_input, has_terminal, [vm] { return is_paused(vm); }};
}

/// Why a terminal cannot be had; empty where it can, or none is asked for.
std::string_view terminal_problem(bool has_terminal, bool is_interactive) {
  const bool lacks_ours = has_terminal && is_interactive && ::isatty(STDIN_FILENO) != 1;
  return lacks_ours ? "-t with -i needs a terminal as standard input" : "";
}

Result<wire::ExecRequest> make_request(const ExecOptions& options) {
  wire::ExecRequest request{.command = options.command.front(),
                            .args = {options.command.begin() + 1, options.command.end()},
                            .user = options.user,
                            .working_dir = options.working_dir,
                            .has_terminal = options.has_terminal,
                            .has_stdin = options.is_interactive,
                            .is_detached = options.is_detached};
  if (const char* term = ::getenv("TERM"); options.has_terminal && term != nullptr)
    request.env.emplace_back("TERM", term);
  for (const std::string& text : options.env) {
    auto variable = parse_variable(text);
    if (!variable) return variable.error();
    request.env.push_back(std::move(*variable));
  }
  if (!options.timeout.empty()) {
    request.timeout = parse_duration(options.timeout);
    if (!request.timeout) return Error{concat("cannot read the timeout ", options.timeout)};
  }
  request.size = terminal_size(STDIN_FILENO).value_or(wire::TerminalSize{});
  return request;
}

int start_detached(const Intent& intent, const std::string& api, const wire::ExecRequest& request) {
  auto client = wire::ApiClient::connect_unix(api, answer_time);
  if (!client) return fail(intent, client.error().message);
  const auto answer = client->request({.method = "POST", .target = "/v1/exec", .body = to_json(request)});
  if (!answer) return fail(intent, answer.error().message);
  if (answer->status != 201) return refuse(intent, *answer);
  const auto json = nlohmann::json::parse(answer->body, nullptr, false);
  const auto id = json.is_object() ? json.find("exec_id") : json.end();
  if (id == json.end() || !id->is_string()) return fail(intent, "the answer names no exec");
  std::puts(id->get_ref<const std::string&>().c_str());
  return 0;
}

}  // namespace

int exec_command(const ExecOptions& options) {
  const Intent intent{"run a program in", options.vm};
  if (options.command.empty()) return fail(ExitCode::usage, concat(intent.text(), ": no command is given"));
  const bool passes_input = options.is_interactive && !options.is_detached;
  if (const auto problem = terminal_problem(options.has_terminal, passes_input); !problem.empty())
    return fail(intent, problem);
  const auto request = make_request(options);
  if (!request) return fail(ExitCode::usage, request.error().message);
  const auto api = locate_guest_api(intent.verb, options.vm);
  if (!api) return to_status(ExitCode::host_error);
  if (options.is_detached) return start_detached(intent, *api, *request);
  auto connection = open_stream(*api, stream_request("POST", "/v1/exec", to_json(*request)));
  if (!connection) return fail(intent, connection.error().message);
  if (!connection->socket.is_open()) return refuse(intent, connection->answer);
  return run_session(intent, std::move(*connection),
                     session_options(options.vm, passes_input, options.has_terminal));
}

int shell_command(const ShellOptions& options) {
  const Intent intent{"open a shell in", options.vm};
  const bool has_terminal = ::isatty(STDIN_FILENO) == 1;
  const auto api = locate_guest_api(intent.verb, options.vm);
  if (!api) return to_status(ExitCode::host_error);
  std::vector<std::string> shells = {"/bin/bash", "/bin/sh"};
  if (!options.shell.empty()) shells = {options.shell};
  wire::Response last;
  for (const std::string& shell : shells) {
    const auto request = make_request({.vm = options.vm,
                                       .command = {shell},
                                       .is_interactive = true,
                                       .has_terminal = has_terminal,
                                       .user = options.user,
                                       .working_dir = options.working_dir});
    if (!request) return fail(ExitCode::usage, request.error().message);
    auto connection = open_stream(*api, stream_request("POST", "/v1/exec", to_json(*request)));
    if (!connection) return fail(intent, connection.error().message);
    if (connection->socket.is_open())
      return run_session(intent, std::move(*connection), session_options(options.vm, true, has_terminal));
    last = std::move(connection->answer);
    const auto failure = wire::read_exec_failure(last);
    if (!failure || failure->error != ENOENT) break;
  }
  return refuse(intent, last);
}

int attach_command(const AttachOptions& options) {
  const Intent intent{"attach to", concat(options.exec_id, " in ", options.vm)};
  if (const auto problem = terminal_problem(options.has_terminal, options.is_interactive); !problem.empty())
    return fail(intent, problem);
  const auto api = locate_guest_api("attach to a program in", options.vm);
  if (!api) return to_status(ExitCode::host_error);
  const auto target = concat("/v1/exec/", wire::percent_encode(options.exec_id), "?offset=", options.offset);
  auto connection = open_stream(*api, stream_request("GET", target));
  if (!connection) return fail(intent, connection.error().message);
  if (!connection->socket.is_open()) return refuse(intent, connection->answer);
  return run_session({intent.verb, options.vm}, std::move(*connection),
                     session_options(options.vm, options.is_interactive, options.has_terminal),
                     options.offset, options.exec_id);
}

}  // namespace kestrel::hostd
