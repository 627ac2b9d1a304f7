// What the API's tests share: a server on a loop, and clients that speak to it through real sockets.
#pragma once

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "kestrel/base/text.h"
#include "kestrel/control/server.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "tests/unit/control/document/api_document.h"
#include "tests/unit/control/fake_guest.h"

namespace kestrel::control::test {

/// A client's end: everything that came, as bytes and as the responses in them.
struct Client {
  loop::Stream stream;
  std::string received;
  wire::ResponseReader reader{mebibytes(64)};
  std::vector<wire::Response> responses;
  std::size_t taken = 0;
  bool has_ended = false;

  void take(std::string_view bytes) {
    received.append(bytes);
    for (auto fed = reader.feed(bytes); fed && *fed; fed = reader.feed({}))
      responses.push_back(std::move(**fed));
  }
};

class Bench {
 public:
  explicit Bench(ApiOptions options = {}) : server(loop, guest, std::move(options)) {
    guard_.arm(seconds(60));  // ends a test that hangs; no fact depends on it
  }

  loop::Loop loop;
  FakeGuest guest;
  ApiServer server;

  Client& connect(Access access = Access::open) {
    auto [near, far] = pair();
    server.adopt(std::move(far), access);
    return own(std::move(near));
  }
  Client& own(sys::UniqueFd socket) {
    auto& client = *clients_.emplace_back(std::make_unique<Client>());
    client.stream = loop::Stream(loop, std::move(socket),
                                 {.on_data = [&client](std::string_view bytes) { client.take(bytes); },
                                  .on_end = [&client](const Error*) { client.has_ended = true; },
                                  .on_drained = {}});
    client.stream.start_reading();
    return client;
  }
  static std::pair<sys::UniqueFd, sys::UniqueFd> pair() {
    int fds[2] = {-1, -1};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
    return {sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
  }

  template <typename Predicate>
  void run_until(Predicate is_done) {
    while (!is_done() && !has_hung_) loop.run_once();
    REQUIRE_FALSE(has_hung_);
  }
  /// Everything that is due now has happened.
  void settle() {
    for (int round = 0; round < 8; ++round) {
      bool has_run = false;
      loop.post([&] { has_run = true; });
      run_until([&] { return has_run; });
    }
  }

  wire::Response next(Client& client) {
    run_until([&] { return client.responses.size() > client.taken || client.has_ended; });
    REQUIRE(client.responses.size() > client.taken);
    return client.responses[client.taken++];
  }
  wire::Response call(Client& client, std::string_view method, std::string_view target,
                      std::string_view body = {}, std::string_view headers = {}) {
    std::string text = concat(method, " ", target, " HTTP/1.1\r\nHost: vm\r\n", headers);
    if (!body.empty()) text += concat("Content-Length: ", body.size(), "\r\n");
    client.stream.write(text + "\r\n" + std::string(body));
    if (method == "HEAD") client.reader.expect_no_body();
    wire::Response response = next(client);
    INFO("an answer that docs/openapi.yaml does not describe: " << method << ' ' << target << '\n'
                                                                << response.body);
    CHECK(join(ApiDocument::get().complaints(method, target, response), "\n").empty());
    return response;
  }
  wire::Response get(std::string_view target) { return call(connect(), "GET", target); }
  wire::Response post(std::string_view target, std::string_view body = {}) {
    return call(connect(), "POST", target, body);
  }

 private:
  bool has_hung_ = false;
  loop::Timer guard_{loop, [this] { has_hung_ = true; }};
  std::vector<std::unique_ptr<Client>> clients_;
};

inline nlohmann::json json_of(const wire::Response& response) { return nlohmann::json::parse(response.body); }
inline std::string problem_of(const wire::Response& response) {
  CHECK(wire::find_header(response.headers, "Content-Type") == "application/problem+json");
  CHECK(json_of(response).at("status") == response.status);
  return json_of(response).at("detail");
}
/// The documents of an NDJSON body.
inline std::vector<nlohmann::json> lines_of(std::string_view body) {
  std::vector<nlohmann::json> lines;
  for (const std::string_view line : split(body, '\n')) {
    if (!line.empty()) lines.push_back(nlohmann::json::parse(line));
  }
  return lines;
}

}  // namespace kestrel::control::test
