#include "hostd/runner/preambles.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view end_of_head = "\r\n\r\n";

vsock::PreambleStep refuse(std::string reason) {
  vsock::PreambleStep step;
  step.verdict = vsock::PreambleStep::Verdict::refuse;
  step.reason = std::move(reason);
  return step;
}

std::string authorization(std::string_view token) {
  return token.empty() ? std::string() : concat("Authorization: Bearer ", token, "\r\n");
}

}  // namespace

vsock::PreambleStep read_answer(std::string_view received, int status) {
  const auto end = received.find(end_of_head);
  if (end == std::string_view::npos) return {};
  const std::string_view line = received.substr(0, received.find("\r\n"));
  // `HTTP/1.1 200 …`
  constexpr std::size_t status_at = 9;
  if (!line.starts_with("HTTP/1.") || line.size() < status_at + 3) {
    return refuse("the guest's API answered something that is not HTTP");
  }
  if (parse_integer(line.substr(status_at, 3)) != status) {
    return refuse(concat("the guest's API answered ", printable(line.substr(status_at))));
  }
  vsock::PreambleStep step;
  step.verdict = vsock::PreambleStep::Verdict::join;
  step.consumed = end + end_of_head.size();
  return step;
}

vsock::Preamble tunnel_preamble(std::uint16_t guest_port, std::string_view token) {
  return {concat("CONNECT 127.0.0.1:", guest_port, " HTTP/1.1\r\nHost: 127.0.0.1:", guest_port, "\r\n",
                 authorization(token), "\r\n"),
          [](std::string_view received) { return read_answer(received, 200); }};
}

vsock::Preamble session_preamble(std::string_view token) {
  return {concat("GET /v1/session HTTP/1.1\r\nHost: vm\r\n", authorization(token), "\r\n"),
          [](std::string_view received) { return read_answer(received, 204); }};
}

}  // namespace kestrel::hostd
