// Reading messages: Beast's parsers, fed by hand. What they accept is RFC 9112; a message with both
// Content-Length and Transfer-Encoding, the classic of request smuggling, they refuse.
#include "kestrel/wire/http.h"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::wire {

namespace {

namespace beast_http = boost::beast::http;

constexpr std::uint32_t longest_head = 16 * 1024;

Error parse_error(const boost::system::error_code& code) {
  if (code == beast_http::error::header_limit)
    return {"cannot read the message: its head is too long", E2BIG};
  if (code == beast_http::error::body_limit)
    return {"cannot read the message: its body is too long", EMSGSIZE};
  return {concat("cannot read the message: ", code.message()), EBADMSG};
}

template <typename Fields>
Headers headers_of(const Fields& fields) {
  Headers out;
  for (const auto& field : fields) {
    out.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return out;
}

Request convert(beast_http::request<beast_http::string_body>&& from) {
  return {.method = std::string(from.method_string()),
          .target = std::string(from.target()),
          .headers = headers_of(from),
          .body = std::move(from.body()),
          .keep_alive = from.keep_alive()};
}

Response convert(beast_http::response<beast_http::string_body>&& from) {
  return {.status = static_cast<int>(from.result_int()),
          .headers = headers_of(from),
          .body = std::move(from.body()),
          .keep_alive = from.keep_alive()};
}

template <typename Message>
inline constexpr bool is_request = std::is_same_v<Message, Request>;

}  // namespace

template <typename Message>
struct MessageReader<Message>::State {
  using Parser = beast_http::parser<is_request<Message>, beast_http::string_body>;

  explicit State(Bytes limit) : body_limit(limit) {}

  Parser& current() {
    if (!parser) {
      parser.emplace();
      parser->eager(true);
      parser->header_limit(longest_head);
      parser->body_limit(body_limit.count);
      if (has_no_body) parser->skip(true);
    }
    return *parser;
  }
  Error fail(Error error) {
    failure = std::move(error);
    parser.reset();
    return *failure;
  }
  Message take() {
    Message message = convert(parser->release());
    parser.reset();
    has_no_body = false;
    return message;
  }

  Bytes body_limit;
  std::optional<Parser> parser;  ///< of the message under way
  std::string unparsed;
  std::optional<Error> failure;
  bool has_no_body = false;
};

template <typename Message>
MessageReader<Message>::MessageReader(Bytes body_limit) : state_(std::make_unique<State>(body_limit)) {}
template <typename Message>
MessageReader<Message>::~MessageReader() = default;
template <typename Message>
MessageReader<Message>::MessageReader(MessageReader&&) noexcept = default;
template <typename Message>
MessageReader<Message>& MessageReader<Message>::operator=(MessageReader&&) noexcept = default;

template <typename Message>
Result<std::optional<Message>> MessageReader<Message>::feed(std::string_view bytes) {
  State& state = *state_;
  if (state.failure) return *state.failure;
  state.unparsed.append(bytes);
  while (!state.unparsed.empty()) {
    auto& parser = state.current();
    boost::system::error_code code;
    const auto consumed = parser.put(boost::asio::buffer(state.unparsed), code);
    state.unparsed.erase(0, consumed);
    if (code && code != beast_http::error::need_more) return state.fail(parse_error(code));
    if (parser.is_done()) return std::optional<Message>(state.take());
    // A head is parsed line by line; what is left of one that is not complete is bounded here.
    if (state.unparsed.size() > longest_head)
      return state.fail({"cannot read the message: its head is too long", E2BIG});
    if (code || consumed == 0) break;
  }
  return std::optional<Message>();
}

template <typename Message>
Result<std::optional<Message>> MessageReader<Message>::finish() {
  State& state = *state_;
  if (state.failure) return *state.failure;
  if (!state.parser || !state.parser->got_some()) return std::optional<Message>();
  boost::system::error_code code;
  state.parser->put_eof(code);
  if (code) return state.fail(parse_error(code));
  if (!state.parser->is_done()) return std::optional<Message>();
  return std::optional<Message>(state.take());
}

template <typename Message>
std::string MessageReader<Message>::take_rest() {
  return std::exchange(state_->unparsed, {});
}

template <typename Message>
void MessageReader<Message>::expect_no_body() {
  state_->has_no_body = true;
  if (state_->parser) state_->parser->skip(true);
}

template class MessageReader<Request>;
template class MessageReader<Response>;

}  // namespace kestrel::wire
