// Reading messages: Beast's parsers, fed by hand. What they accept is RFC 9112; what could be read in two
// ways, the classic of request smuggling, is refused here or there.
#include "kestrel/wire/http.h"

// What Beast holds for impossible is an error of the message, not the end of PID 1; only who fuzzes wants to
// see it.
#ifndef FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
#define BOOST_ENABLE_ASSERT_HANDLER
#endif
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/string.hpp>
#include <boost/beast/http/parser.hpp>
#include <cerrno>
#include <limits>

#include "kestrel/base/text.h"

#ifdef BOOST_ENABLE_ASSERT_HANDLER
namespace boost {
void assertion_failed(const char*, const char*, const char*, long) {
  throw system::system_error(beast::http::make_error_code(beast::http::error::bad_value));
}
void assertion_failed_msg(const char* expression, const char*, const char* function, const char* file,
                          long line) {
  assertion_failed(expression, function, file, line);
}
}  // namespace boost
#endif

namespace kestrel::wire {

namespace {

namespace beast_http = boost::beast::http;

constexpr std::uint32_t longest_head = 16 * 1024;
/// `0\r\n\r\n`. Beast 1.74 takes for impossible that it has less of one when it looks at it for a second
/// time, which is how it comes byte by byte where no chunk is before it.
constexpr std::size_t shortest_last_chunk = 5;

Error too_long_head() { return {"cannot read the message: its head is too long", E2BIG}; }

Error parse_error(const boost::system::error_code& code) {
  if (code == beast_http::error::header_limit) return too_long_head();
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

/// What Beast lets pass although somebody before us may have seen the message end elsewhere (RFC 9112, 6.1
/// and 6.3): several lengths, and transfer codings that are not just `chunked`.
template <typename Parser>
bool is_length_clear(const Parser& parser) {
  const auto& message = parser.get();
  if (message.count(beast_http::field::content_length) > 1) return false;
  const auto codings = message.count(beast_http::field::transfer_encoding);
  if (codings == 0) return true;
  return codings == 1 && message.version() >= 11 &&
         boost::beast::iequals(message[beast_http::field::transfer_encoding], "chunked");
}

/// A body as a string that grows with what has come. Beast's own string_body takes memory for all that was
/// announced at once, which for a file of gigabytes that is handed on in pieces is nothing to do.
struct GrowingBody {
  using value_type = std::string;

  class reader {
   public:
    template <bool is_request, typename Fields>
    reader(beast_http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, boost::system::error_code& code) { code = {}; }
    template <typename Buffers>
    std::size_t put(const Buffers& buffers, boost::system::error_code& code) {
      code = {};
      std::size_t size = 0;
      for (auto each = boost::asio::buffer_sequence_begin(buffers);
           each != boost::asio::buffer_sequence_end(buffers); ++each) {
        const boost::asio::const_buffer buffer = *each;
        body_.append(static_cast<const char*>(buffer.data()), buffer.size());
        size += buffer.size();
      }
      return size;
    }
    void finish(boost::system::error_code& code) { code = {}; }

   private:
    value_type& body_;
  };
};

/// The parser of one message, fed in a way that bounds what it holds.
template <bool is_request>
class Parsing {
 public:
  enum class Body { expected, none };

  /// Says how the body of what has this method and target is taken.
  using Rules = std::function<BodyRule(std::string_view method, std::string_view target)>;

  Parsing(Rules rules, Body body) : rules_(std::move(rules)) {
    parser_.header_limit(longest_head);
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());  // until the head is known
    parser_.skip(body == Body::none);
  }

  /// Takes what it can from the front of `unparsed`.
  Result<void> take_from(std::string& unparsed) {
    while (!unparsed.empty() && !parser_.is_done()) {
      if (is_in_chunk_header_ && unparsed.size() < shortest_last_chunk) break;
      const bool is_head = !parser_.is_header_done();
      boost::system::error_code code;
      const auto consumed = put(unparsed, code);
      unparsed.erase(0, consumed);
      is_in_chunk_header_ = !is_head && !unparsed.empty();
      if (code && code != beast_http::error::need_more) return parse_error(code);
      if (is_head) {
        if (auto head = check_head(consumed, unparsed.size()); !head) return head;
      } else if (!parser_.is_done() && unparsed.size() > longest_head) {
        return too_long_head();  // of a chunk, or a trailer
      }
      if (code || consumed == 0) break;
    }
    return {};
  }
  Result<void> finish() {
    boost::system::error_code code;
    parser_.put_eof(code);
    if (code) return parse_error(code);
    return {};
  }

  [[nodiscard]] bool has_begun() const { return parser_.got_some(); }
  [[nodiscard]] bool has_head() const { return parser_.is_header_done(); }
  [[nodiscard]] bool is_done() const { return parser_.is_done(); }
  /// The head is there, and the body is to be taken apart from it.
  [[nodiscard]] bool hands_on_pieces() const {
    return has_head() && delivery_ == BodyRule::Delivery::in_pieces;
  }
  [[nodiscard]] const auto& message() const { return parser_.get(); }
  [[nodiscard]] bool keeps_alive() const { return parser_.keep_alive(); }
  /// What is to come of a body whose length was announced; nullopt: its end will tell.
  [[nodiscard]] std::optional<std::uint64_t> length_left() const {
    const auto left = parser_.content_length_remaining();
    return left ? std::optional<std::uint64_t>(*left) : std::nullopt;
  }
  /// What has come of the body since the last call.
  [[nodiscard]] std::string take_body() { return std::exchange(parser_.get().body(), {}); }

 private:
  std::size_t put(const std::string& bytes, boost::system::error_code& code) {
    try {
      return parser_.put(boost::asio::buffer(bytes), code);
    } catch (const boost::system::system_error& impossible) {
      code = impossible.code();
      return bytes.size();
    }
  }

  /// Beast bounds each line of a head, but not how many there are.
  Result<void> check_head(std::size_t consumed, std::size_t unparsed) {
    head_size_ += consumed;
    if (head_size_ + (has_head() ? 0 : unparsed) > longest_head) return too_long_head();
    if (!has_head()) return {};
    if (!is_length_clear(parser_)) return Error{"cannot read the message: its length is not clear", EBADMSG};
    if (auto short_enough = bound_body(); !short_enough) return short_enough;
    parser_.eager(true);
    return {};
  }

  Result<void> bound_body() {
    if (parser_.is_done()) return {};
    const BodyRule rule = [&] {
      if constexpr (is_request) return rules_(parser_.get().method_string(), parser_.get().target());
      return rules_({}, {});
    }();
    delivery_ = rule.delivery;
    parser_.body_limit(rule.limit.count);
    const auto length = parser_.content_length();
    if (length && *length > rule.limit.count) return parse_error(beast_http::error::body_limit);
    return {};
  }

  beast_http::parser<is_request, GrowingBody> parser_;
  Rules rules_;
  BodyRule::Delivery delivery_ = BodyRule::Delivery::whole;
  std::size_t head_size_ = 0;
  bool is_in_chunk_header_ = false;  ///< it has been looked at, and there was not all of it
};

/// All but the body.
Request head_of(const Parsing<true>& parsing) {
  const auto& from = parsing.message();
  return {.method = std::string(from.method_string()),
          .target = std::string(from.target()),
          .headers = headers_of(from),
          .body = {},
          .keep_alive = parsing.keeps_alive()};
}

Response head_of(const Parsing<false>& parsing) {
  const auto& from = parsing.message();
  return {.status = static_cast<int>(from.result_int()),
          .headers = headers_of(from),
          .body = {},
          .keep_alive = parsing.keeps_alive()};
}

/// An answer before the answer (RFC 9110, 15.2), which says nothing of use here; but 101 is the last one.
bool is_interim(const Parsing<false>& parsing) {
  const auto status = parsing.message().result_int();
  return parsing.is_done() && status >= 100 && status <= 199 && status != 101;
}
bool is_interim(const Parsing<true>&) { return false; }

}  // namespace

template <typename Message>
struct MessageReader<Message>::State {
  using OneMessage = Parsing<std::is_same_v<Message, Request>>;

  State(Bytes limit, RuleOf rules) : body_limit(limit), rule_of(std::move(rules)) {}

  OneMessage& current() {
    if (!parsing) {
      parsing.emplace(
          [this](std::string_view method, std::string_view target) { return rule_for(method, target); },
          has_no_body ? OneMessage::Body::none : OneMessage::Body::expected);
    }
    return *parsing;
  }
  BodyRule rule_for(std::string_view method, std::string_view target) const {
    return (rule_of ? rule_of(method, target) : std::nullopt).value_or(BodyRule{.limit = body_limit});
  }
  Error fail(Error error) {
    failure = std::move(error);
    parsing.reset();
    return *failure;
  }
  Message take() {
    Message message = head_of(*parsing);
    has_no_body = false;
    is_in_body = !parsing->is_done();
    if (is_in_body) {
      body_left = parsing->length_left();
      piece = parsing->take_body();
      is_piece_due = !piece.empty();
    } else {
      message.body = parsing->take_body();
      parsing.reset();
    }
    return message;
  }

  void end_body() {
    is_in_body = false;
    body_left.reset();
    parsing.reset();
  }

  Bytes body_limit;
  RuleOf rule_of;
  std::optional<OneMessage> parsing;  ///< of the message under way
  std::string unparsed;
  std::optional<Error> failure;
  bool has_no_body = false;
  bool is_in_body = false;
  std::optional<std::uint64_t> body_left;  ///< of a body in pieces whose length is known, behind `piece`
  std::string piece;                       ///< of a body in pieces
  bool is_piece_due = false;               ///< it came with the head
};

template <typename Message>
MessageReader<Message>::MessageReader(Bytes body_limit, RuleOf rule_of)
    : state_(std::make_unique<State>(body_limit, std::move(rule_of))) {}
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
    auto& parsing = state.current();
    if (auto taken = parsing.take_from(state.unparsed); !taken) return state.fail(taken.error());
    if (!parsing.is_done() && !parsing.hands_on_pieces()) break;
    if (!is_interim(parsing)) return std::optional<Message>(state.take());
    state.parsing.reset();
  }
  return std::optional<Message>();
}

template <typename Message>
bool MessageReader<Message>::is_in_body() const {
  return state_->is_in_body;
}

template <typename Message>
Result<std::string_view> MessageReader<Message>::feed_body(std::string_view& bytes) {
  State& state = *state_;
  if (state.failure) return *state.failure;
  if (std::exchange(state.is_piece_due, false)) return std::string_view(state.piece);
  if (state.body_left) {
    const auto piece = bytes.substr(0, *state.body_left);
    bytes.remove_prefix(piece.size());
    *state.body_left -= piece.size();
    if (*state.body_left == 0) state.end_body();
    return piece;
  }
  state.unparsed.append(std::exchange(bytes, {}));
  auto& parsing = *state.parsing;
  if (auto taken = parsing.take_from(state.unparsed); !taken) return state.fail(taken.error());
  state.piece = parsing.take_body();
  if (parsing.is_done()) state.end_body();
  return std::string_view(state.piece);
}

template <typename Message>
Result<std::optional<Message>> MessageReader<Message>::finish() {
  State& state = *state_;
  if (state.failure) return *state.failure;
  if (!state.parsing || !state.parsing->has_begun()) return std::optional<Message>();
  if (auto finished = state.parsing->finish(); !finished) return state.fail(finished.error());
  return std::optional<Message>(state.take());
}

template <typename Message>
std::string MessageReader<Message>::take_rest() {
  return std::exchange(state_->unparsed, {});
}

template <typename Message>
void MessageReader<Message>::expect_no_body() {
  state_->has_no_body = true;
}

template class MessageReader<Request>;
template class MessageReader<Response>;

// --- a response whose body is handed on --------------------------------------------------------------------

struct StreamedResponseReader::State {
  State() { begin(); }
  void begin() {
    parsing.emplace([](std::string_view, std::string_view) { return BodyRule{.limit = endless_body}; },
                    Parsing<false>::Body::expected);
  }

  std::optional<Parsing<false>> parsing;
  std::string unparsed;
};

StreamedResponseReader::StreamedResponseReader() : state_(std::make_unique<State>()) {}
StreamedResponseReader::~StreamedResponseReader() = default;
StreamedResponseReader::StreamedResponseReader(StreamedResponseReader&&) noexcept = default;
StreamedResponseReader& StreamedResponseReader::operator=(StreamedResponseReader&&) noexcept = default;

Result<std::string> StreamedResponseReader::feed(std::string_view bytes) {
  State& state = *state_;
  state.unparsed.append(bytes);
  auto taken = state.parsing->take_from(state.unparsed);
  while (taken && is_interim(*state.parsing)) {
    state.begin();
    taken = state.parsing->take_from(state.unparsed);
  }
  if (!taken) return taken.error();
  auto body = state.parsing->take_body();
  if (state.parsing->has_head() && !head_) head_ = head_of(*state.parsing);
  return body;
}

Result<void> StreamedResponseReader::finish() {
  if (is_done()) return {};
  if (!head_) return Error{"cannot read the message: closed without an answer", ECONNRESET};
  return state_->parsing->finish();
}

bool StreamedResponseReader::is_done() const { return state_->parsing->is_done(); }

}  // namespace kestrel::wire
