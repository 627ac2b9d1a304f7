#include "kestrel/wire/client.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::wire {

namespace {

constexpr Bytes longest_body = mebibytes(16);

Request with_host(Request request) {
  if (!find_header(request.headers, "Host")) request.headers.emplace_back("Host", "kestrel");
  return request;
}

bool is_success(const Response& response) { return response.status >= 200 && response.status <= 299; }

}  // namespace

ApiClient::ApiClient(sys::UniqueFd socket, std::string path, Duration timeout)
    : socket_(std::move(socket)), path_(std::move(path)), timeout_(timeout), reader_(longest_body) {}

Result<ApiClient> ApiClient::connect_unix(const std::string& path, Duration timeout) {
  auto socket = sys::connect_unix(path);
  if (!socket) return errno_error(concat("cannot reach ", path), socket.error().code);
  return ApiClient(std::move(*socket), path, timeout);
}

Result<Response> ApiClient::request(const Request& request) {
  if (auto sent = send(request); !sent) return sent.error();
  if (request.method == "HEAD") reader_.expect_no_body();
  return receive_answer();
}

Result<Response> ApiClient::upload(const Request& head,
                                   const std::function<Result<bool>(std::string& piece)>& make) {
  std::string bytes = serialize_chunked_head(with_host(head));
  for (bool has_more = true; has_more;) {
    std::string piece;
    auto made = make(piece);
    if (!made) return made.error();
    has_more = *made;
    bytes += chunk(piece);
    if (!has_more) bytes += last_chunk();
    auto is_wanted = send_unless_answered(bytes);
    if (!is_wanted) return is_wanted.error();
    if (!*is_wanted) break;
    bytes.clear();
  }
  return receive_answer();
}

Result<bool> ApiClient::send_unless_answered(std::string_view bytes) {
  while (!bytes.empty()) {
    auto ready = wait_for(POLLOUT | POLLIN, Patience::bounded);
    if (!ready) return ready.error();
    if ((*ready & POLLIN) != 0) return false;
    const auto count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return false;
    if (count < 0 && errno != EAGAIN) return failed(std::strerror(errno), errno);
    bytes.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return true;
}

Result<Response> ApiClient::receive_answer() {
  for (bool is_open = true;;) {
    auto bytes = receive(Patience::bounded);
    if (!bytes) return bytes.error();
    is_open = !bytes->empty();
    auto answer = is_open ? reader_.feed(*bytes) : reader_.finish();
    if (!answer) return failed(answer.error().message, answer.error().code);
    if (*answer) return std::move(**answer);
    if (!is_open) return failed("closed without an answer", ECONNRESET);
  }
}

Result<Response> ApiClient::stream(const Request& request,
                                   const std::function<bool(std::string_view)>& on_body) {
  if (auto sent = send(request); !sent) return sent.error();
  StreamedResponseReader reader;
  std::string refusal;
  while (!reader.is_done()) {
    const bool is_streaming = reader.head() && is_success(*reader.head());
    auto bytes = receive(is_streaming ? Patience::endless : Patience::bounded);
    if (!bytes) return bytes.error();
    if (bytes->empty()) {
      if (auto end = reader.finish(); !end) return failed(end.error().message, end.error().code);
      break;
    }
    auto body = reader.feed(*bytes);
    if (!body) return failed(body.error().message, body.error().code);
    if (body->empty()) continue;
    if (!is_success(*reader.head())) {
      refusal += *body;
      if (refusal.size() > longest_body.count) return failed("the answer is too long", EMSGSIZE);
    } else if (!on_body(*body)) {
      break;
    }
  }
  Response answer = *reader.head();
  answer.body = std::move(refusal);
  return answer;
}

Result<ApiClient::Upgraded> ApiClient::upgrade(const Request& asked) {
  auto answer = request(asked);
  if (!answer) return answer.error();
  if (answer->status != 101) return Upgraded{std::move(*answer), {}, {}};
  return Upgraded{std::move(*answer), std::move(socket_), reader_.take_rest()};
}

Result<void> ApiClient::send(const Request& request) {
  const std::string bytes = serialize(with_host(request));
  for (std::string_view rest = bytes; !rest.empty();) {
    if (auto ready = wait_for(POLLOUT, Patience::bounded); !ready) return ready.error();
    const auto count = ::send(socket_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    // Who refuses a request half-way closes its side; the answer is there to be read all the same.
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET)) return {};
    if (count < 0 && errno != EAGAIN) return failed(std::strerror(errno), errno);
    rest.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  }
  return {};
}

Result<std::string> ApiClient::receive(Patience patience) {
  if (auto ready = wait_for(POLLIN, patience); !ready) return ready.error();
  std::string buffer(64 * 1024, '\0');
  const auto count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
  if (count < 0) return failed(std::strerror(errno), errno);
  buffer.resize(static_cast<std::size_t>(count));
  return buffer;
}

Result<short> ApiClient::wait_for(short events, Patience patience) {
  pollfd waiting{socket_.get(), events, 0};
  const auto bound = std::clamp<std::int64_t>(to_ms(timeout_), 0, INT_MAX);
  const int ready = ::poll(&waiting, 1, patience == Patience::endless ? -1 : static_cast<int>(bound));
  if (ready < 0) return failed(std::strerror(errno), errno);
  if (ready == 0) return failed(concat("no answer within ", format_duration(timeout_)), ETIMEDOUT);
  return waiting.revents;
}

Error ApiClient::failed(std::string_view cause, int code) const {
  return {concat("cannot reach ", path_, ": ", cause), code};
}

}  // namespace kestrel::wire
