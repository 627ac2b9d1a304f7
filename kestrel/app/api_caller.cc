#include "kestrel/app/api_caller.h"

#include <cerrno>
#include <cstdio>

#include "kestrel/base/text.h"

namespace kestrel::app {

namespace {

/// Health is told with 503, too, and is an answer all the same; problems have a type of their own.
bool is_answer(const wire::Response& response) {
  return response.status / 100 == 2 ||
         wire::find_header(response.headers, "Content-Type") == "application/json";
}

void print_error(std::string_view message, std::string_view hint) {
  std::string text = concat("kestrel: ", printable(message), '\n');
  if (!hint.empty()) text += concat("hint: ", hint, '\n');
  std::fputs(text.c_str(), stderr);
}

wire::Request request_of(std::string method, std::string target, std::string body,
                         std::string type = "application/json") {
  wire::Request request;
  request.method = std::move(method);
  request.target = std::move(target);
  request.body = std::move(body);
  if (!request.body.empty()) request.headers.emplace_back("Content-Type", type);
  return request;
}

std::string_view hint_for(int error) {
  if (error == EACCES || error == EPERM) return "only root may call the API of a guest";
  if (error == ENOENT || error == ECONNREFUSED) {
    return "no kestrel listens there; name the socket of another with --api unix:PATH or KESTREL_API";
  }
  return {};
}

}  // namespace

ApiCaller::ApiCaller(std::string api_path, std::string intent)
    : api_path_(std::move(api_path)), intent_(std::move(intent)) {}

std::optional<std::string> ApiCaller::get(const std::string& target) {
  return ask(request_of("GET", target, {}));
}

std::optional<std::string> ApiCaller::post(const std::string& target, std::string body) {
  return ask(request_of("POST", target, std::move(body)));
}

std::optional<wire::Response> ApiCaller::put(const std::string& target, std::string body) {
  return send(request_of("PUT", target, std::move(body), "application/yaml"));
}

bool ApiCaller::stream(const std::string& target, const std::function<bool(std::string_view)>& on_body) {
  if (!connect()) return false;
  const Result<wire::Response> response = client_->stream(request_of("GET", target, {}), on_body);
  if (!response) {
    tell_unreachable(response.error());
    return false;
  }
  if (response->status / 100 == 2) return true;
  refuse(*response);
  return false;
}

int ApiCaller::fail(std::string_view cause, std::string_view hint) {
  status_ = ClientStatus::refused;
  // Some refusals are whole sentences already.
  print_error(cause.starts_with("cannot ") ? std::string(cause) : concat("cannot ", intent_, ": ", cause),
              hint);
  return status();
}

std::optional<wire::Response> ApiCaller::send(const wire::Request& request) {
  if (!connect()) return std::nullopt;
  Result<wire::Response> response = client_->request(request);
  if (!response) {
    tell_unreachable(response.error());
    return std::nullopt;
  }
  last_http_status_ = response->status;
  return std::move(*response);
}

std::optional<std::string> ApiCaller::ask(const wire::Request& request) {
  std::optional<wire::Response> response = send(request);
  if (!response) return std::nullopt;
  if (is_answer(*response)) return std::move(response->body);
  refuse(*response);
  return std::nullopt;
}

bool ApiCaller::connect() {
  if (client_) return true;
  Result<wire::ApiClient> client = wire::ApiClient::connect_unix(api_path_);
  if (!client) {
    tell_unreachable(client.error());
    return false;
  }
  client_ = *std::move(client);
  return true;
}

void ApiCaller::tell_unreachable(const Error& error) {
  status_ = ClientStatus::unreachable;
  print_error(error.message, hint_for(error.code));
}

int ApiCaller::refuse(const wire::Response& response) {
  const wire::Refusal refusal = wire::read_refusal(response);
  return fail(refusal.detail,
              refusal.dependents.empty() ? "" : "--force stops what requires it, too, and first");
}

}  // namespace kestrel::app
