#include "hostd/cli/daemon_client.h"

#include <cerrno>

#include "hostd/cli/failure.h"
#include "hostd/daemon/serve.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

wire::Request request_of(std::string method, std::string target, std::string body) {
  wire::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", "application/json");
  return request;
}

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
  auto answer = client->request(request_of(std::move(method), std::move(target), std::move(body)));
  if (!answer) return answer.error();
  if (const auto checked = check(*answer); !checked) return checked.error();
  return std::move(answer->body);
}

Result<void> follow_hostd(std::string target, const std::function<bool(std::string_view)>& take) {
  auto client = connect(seconds(30));
  if (!client) return client.error();
  const auto answer = client->stream(request_of("GET", std::move(target), {}), take);
  if (!answer) return answer.error();
  return check(*answer);
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
