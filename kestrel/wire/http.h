// HTTP/1.1 without I/O: bytes in, messages out, and back. Shared by the guest's API, its health probes, and
// the host.
//
// Beast does the parsing and lives in http.cc alone. Limits hold before anything is stored: a head of at most
// 16 KiB, a body of at most what the caller allows.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::wire {

using Headers = std::vector<std::pair<std::string, std::string>>;
/// The value of the first header of that name (case-insensitive).
[[nodiscard]] std::optional<std::string_view> find_header(const Headers& headers, std::string_view name);

struct Request {
  std::string method;
  std::string target;  ///< as sent: path, query, or `host:port` for CONNECT
  Headers headers;
  std::string body;
  bool keep_alive = true;
};

struct Response {
  int status = 200;
  Headers headers;
  std::string body;
  bool keep_alive = true;
};

/// The target's parts, percent-decoded.
struct Target {
  std::string path;
  std::vector<std::pair<std::string, std::string>> query;
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
};
/// An error for a malformed escape.
[[nodiscard]] Result<Target> parse_target(std::string_view target);
[[nodiscard]] std::string percent_encode(std::string_view text);

/// How the body of a message is taken.
struct BodyRule {
  enum class Delivery {
    whole,      ///< with its message
    in_pieces,  ///< after its message, as it comes
  };
  Bytes limit;
  Delivery delivery = Delivery::whole;
};
/// As long as bodies can be that are taken in pieces.
inline constexpr Bytes endless_body{std::numeric_limits<std::uint64_t>::max()};

/// Reads one message after another from a connection's bytes. Answers before the answer (1xx) are passed
/// over; 101 Switching Protocols is none of them.
template <typename Message>
class MessageReader {
 public:
  /// Another rule for some requests, asked for once their head is known; nullopt: the usual one.
  using RuleOf = std::function<std::optional<BodyRule>(std::string_view method, std::string_view target)>;

  explicit MessageReader(Bytes body_limit, RuleOf rule_of = {});
  ~MessageReader();
  MessageReader(MessageReader&&) noexcept;
  MessageReader& operator=(MessageReader&&) noexcept;

  /// Adds bytes. A message when one is complete, nullopt when more is needed, an error when it can never be
  /// one (after which the reader is dead). Call again with empty bytes for a pipelined next message.
  [[nodiscard]] Result<std::optional<Message>> feed(std::string_view bytes);
  /// The peer closed: completes a response whose body ends with the connection.
  [[nodiscard]] Result<std::optional<Message>> finish();
  /// The message that feed() returned has a body that is to be taken in pieces, and more of it is to come.
  [[nodiscard]] bool is_in_body() const;
  /// The next piece of that body, free of the transfer's framing, off the front of `bytes`: call it (with no
  /// bytes at first) until is_in_body() says no. The piece lies in `bytes` where nothing has to be taken out
  /// of it, else in the reader, until the next call. An error when it can never be complete.
  [[nodiscard]] Result<std::string_view> feed_body(std::string_view& bytes);
  /// The bytes behind the last complete message: what a protocol upgrade or CONNECT goes on with.
  [[nodiscard]] std::string take_rest();
  /// Response readers only: the next response answers a HEAD or CONNECT, or is a 101, and so has no body. To
  /// be said before its first byte is fed.
  void expect_no_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};
using RequestReader = MessageReader<Request>;
using ResponseReader = MessageReader<Response>;

/// Reads one response and hands its body on as it comes: for answers without an end, such as followed logs.
/// Answers before it are passed over here, too.
class StreamedResponseReader {
 public:
  StreamedResponseReader();
  ~StreamedResponseReader();
  StreamedResponseReader(StreamedResponseReader&&) noexcept;
  StreamedResponseReader& operator=(StreamedResponseReader&&) noexcept;

  /// Adds bytes; the body's bytes among them, free of the transfer's framing. An error when it is no
  /// response.
  [[nodiscard]] Result<std::string> feed(std::string_view bytes);
  /// The peer closed. An error when that is too early.
  [[nodiscard]] Result<void> finish();
  /// Status and headers; nullopt until they are complete.
  [[nodiscard]] const std::optional<Response>& head() const { return head_; }
  [[nodiscard]] bool is_done() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
  std::optional<Response> head_;
};

[[nodiscard]] std::string_view reason_phrase(int status);

/// Content-Length is added to whatever carries a body or could; `Connection: close` where keep_alive is
/// false.
[[nodiscard]] std::string serialize(const Request& request);
[[nodiscard]] std::string serialize(const Response& response);

/// The head alone, for a body whose length the headers tell and that follows by itself.
[[nodiscard]] std::string serialize_head(const Response& response);
/// For streamed messages: a head with `Transfer-Encoding: chunked`, then chunks, then last_chunk().
[[nodiscard]] std::string serialize_chunked_head(const Response& response);
[[nodiscard]] std::string serialize_chunked_head(const Request& request);
[[nodiscard]] std::string chunk(std::string_view data);
[[nodiscard]] std::string_view last_chunk();

/// An error answer: application/problem+json with {type, title, status, detail}.
[[nodiscard]] Response problem(int status, std::string_view detail);
[[nodiscard]] Response json_response(int status, std::string json);

}  // namespace kestrel::wire
