#include "hostd/cli/daemon_client.h"

#include <cerrno>
#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/daemon/serve.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

Result<wire::ApiClient> connect(Duration patience) {
  auto client = wire::ApiClient::connect_unix(hostd_socket_path(), patience);
  if (!client) return Error{client.error().message, ENOTCONN};
  return client;
}

Result<void> check(const wire::Response& answer) {
  if (answer.status / 100 == 2) return {};
  return Error{wire::read_refusal(answer).detail, answer.status == 404 ? ENOENT : 0};
}

}  // namespace

bool is_hostd_there() { return sys::connect_unix(hostd_socket_path()).has_value(); }

Result<std::string> ask_hostd(std::string method, std::string target, std::string body, Duration patience) {
  auto client = connect(patience);
  if (!client) return client.error();
  wire::Request request{.method = std::move(method), .target = std::move(target), .body = std::move(body)};
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  auto answer = client->request(request);
  if (!answer) return answer.error();
  if (const auto checked = check(*answer); !checked) return checked.error();
  return std::move(answer->body);
}

Result<void> follow_hostd(std::string target, const std::function<bool(std::string_view)>& take) {
  auto client = connect(seconds(30));
  if (!client) return client.error();
  const auto answer = client->stream({.method = "GET", .target = std::move(target)}, take);
  if (!answer) return answer.error();
  return check(*answer);
}

int print_answer(const std::string& json, OutputFormat format,
                 Result<std::string> (*report)(std::string_view, WallTime)) {
  const auto text = format == OutputFormat::json   ? Result<std::string>(json + '\n')
                    : format == OutputFormat::yaml ? Result<std::string>(to_yaml(json))
                                                   : report(json, sys::wall_now());
  if (!text) return fail(ExitCode::host_error, concat("cannot read hostd's answer: ", text.error().message));
  std::fputs(text->c_str(), stdout);
  return 0;
}

int hostd_failed(std::string_view verb, std::string_view name, const Error& error) {
  const bool is_missing = error.code == ENOTCONN;
  // Its refusals say what could not be done already.
  const bool is_whole = error.message.starts_with("cannot ") && !is_missing;
  return fail(
      ExitCode::host_error,
      is_whole ? error.message : concat("cannot ", verb, ' ', name, ": ", error.message),
      is_missing ? "this takes the daemon: start it with `hostd serve`; `kestrelctl run` needs none" : "");
}

}  // namespace kestrel::hostd
