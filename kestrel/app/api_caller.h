// One command's conversation with the API. What goes wrong is told here, on stderr, with the way out.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::app {

enum class ClientStatus : int { done = 0, refused = 1, unreachable = 3 };

class ApiCaller {
 public:
  /// `intent` is what the command is about to do, for messages: `stop db`.
  ApiCaller(std::string api_path, std::string intent);

  /// The answer's body. nullopt: it has been told why there is none, and status() is the exit status.
  [[nodiscard]] std::optional<std::string> get(const std::string& target);
  [[nodiscard]] std::optional<std::string> post(const std::string& target, std::string body = {});
  /// Sends YAML. The answer, whatever it says; nullopt: as above.
  [[nodiscard]] std::optional<wire::Response> put(const std::string& target, std::string body);
  /// Hands the answer's body on as it comes. False: as above.
  [[nodiscard]] bool stream(const std::string& target, const std::function<bool(std::string_view)>& on_body);

  /// Prints `kestrel: cannot <intent>: <cause>` and, if there is one, `hint: <hint>`.
  int fail(std::string_view cause, std::string_view hint = {});
  /// The same with the cause that an answer names.
  int refuse(const wire::Response& response);

  [[nodiscard]] int status() const { return static_cast<int>(status_); }
  [[nodiscard]] int last_http_status() const { return last_http_status_; }

 private:
  [[nodiscard]] std::optional<wire::Response> send(const wire::Request& request);
  [[nodiscard]] std::optional<std::string> ask(const wire::Request& request);
  [[nodiscard]] bool connect();
  void tell_unreachable(const Error& error);

  std::string api_path_;
  std::string intent_;
  std::optional<wire::ApiClient> client_;
  ClientStatus status_ = ClientStatus::done;
  int last_http_status_ = 0;
};

}  // namespace kestrel::app
