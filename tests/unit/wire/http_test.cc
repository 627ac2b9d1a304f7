#include "kestrel/wire/http.h"

#include <catch2/catch.hpp>

namespace kestrel::wire {
namespace {

constexpr Bytes limit = kibibytes(64);

Result<std::optional<Request>> read_request(std::string_view bytes) {
  return RequestReader(limit).feed(bytes);
}
Result<std::optional<Response>> read_response(std::string_view bytes) {
  return ResponseReader(limit).feed(bytes);
}

/// A complete request, or the test fails.
Request request_in(std::string_view bytes) {
  auto request = read_request(bytes);
  REQUIRE(request);
  REQUIRE(*request);
  return **request;
}

}  // namespace

TEST_CASE("a request is read with all its parts", "[wire]") {
  const auto request =
      request_in("POST /v1/power?x=1 HTTP/1.1\r\nHost: vm\r\nX-Two:  b \r\nContent-Length: 4\r\n\r\nbody");
  CHECK(request.method == "POST");
  CHECK(request.target == "/v1/power?x=1");
  CHECK(find_header(request.headers, "hOST") == "vm");
  CHECK(find_header(request.headers, "x-two") == "b");
  CHECK(find_header(request.headers, "missing") == std::nullopt);
  CHECK(request.body == "body");
  CHECK(request.keep_alive);
}

TEST_CASE("a connection is kept unless a side says otherwise or is of HTTP/1.0", "[wire]") {
  CHECK_FALSE(request_in("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").keep_alive);
  CHECK_FALSE(request_in("GET / HTTP/1.0\r\n\r\n").keep_alive);
  CHECK(request_in("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
}

TEST_CASE("CONNECT has host and port as its target, and what follows is not ours", "[wire]") {
  RequestReader reader(limit);
  auto request = reader.feed("CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: vm\r\n\r\ntunnelled");
  REQUIRE(request);
  REQUIRE(*request);
  CHECK((*request)->target == "127.0.0.1:80");
  CHECK(reader.take_rest() == "tunnelled");
}

TEST_CASE("pipelined requests come out one by one", "[wire]") {
  RequestReader reader(limit);
  auto first = reader.feed(
      "GET /a HTTP/1.1\r\n\r\nPOST /b HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiGET /c HTTP/1.1\r\n\r\nGET /d");
  CHECK((**first).target == "/a");
  auto second = reader.feed({});
  CHECK((**second).target == "/b");
  CHECK((**second).body == "hi");
  CHECK((**reader.feed({})).target == "/c");
  CHECK_FALSE(reader.feed({}).value());
  CHECK((**reader.feed(" HTTP/1.1\r\n\r\n")).target == "/d");
}

TEST_CASE("many pipelined messages with bodies may arrive at once", "[wire]") {
  std::string bytes;
  for (int i = 0; i < 100; ++i)
    bytes += "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n" + std::string(500, 'x');
  ResponseReader reader(limit);
  auto response = reader.feed(bytes);
  for (int i = 0; i < 100; ++i) {
    REQUIRE(response);
    REQUIRE(*response);
    CHECK((*response)->body.size() == 500);
    response = reader.feed({});
  }
  CHECK_FALSE(*response);
}

TEST_CASE("an empty chunked body may come byte by byte", "[wire]") {
  RequestReader reader(kibibytes(4));
  std::size_t requests = 0;
  for (const char byte : std::string_view("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")) {
    const auto request = reader.feed({&byte, 1});
    REQUIRE(request);
    requests += request->has_value() ? 1 : 0;
  }
  CHECK(requests == 1);
}

TEST_CASE("a chunked body is put together, extensions and trailers do not matter", "[wire]") {
  const auto request = request_in(
      "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\none\r\nA\r\n0123456789\r\n0\r\nX: "
      "y\r\n\r\n");
  CHECK(request.body == "one0123456789");
}

TEST_CASE("a response is read by its length, its chunks or the end of the connection", "[wire]") {
  CHECK((**read_response("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")).body == "hi");
  CHECK((**read_response("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n")).body ==
        "hi");
  ResponseReader reader(limit);
  CHECK_FALSE(reader.feed("HTTP/1.1 503 Down\r\n\r\nhi").value());
  CHECK_FALSE(reader.feed(" there").value());
  auto response = reader.finish();
  REQUIRE(response);
  REQUIRE(*response);
  CHECK((*response)->status == 503);
  CHECK((*response)->body == "hi there");
  CHECK_FALSE((*response)->keep_alive);
}

TEST_CASE("a response without a body ends with its head", "[wire]") {
  CHECK((**read_response("HTTP/1.1 204 No Content\r\n\r\n")).status == 204);
  CHECK((**read_response("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")).body.empty());
}

TEST_CASE("what answers HEAD, CONNECT or an upgrade has no body, and the rest is handed over", "[wire]") {
  ResponseReader reader(limit);
  reader.expect_no_body();
  auto response = reader.feed("HTTP/1.1 200 Connection established\r\n\r\nbytes of the tunnel");
  REQUIRE(response);
  REQUIRE(*response);
  CHECK((*response)->body.empty());
  CHECK(reader.take_rest() == "bytes of the tunnel");

  ResponseReader upgrade(limit);
  upgrade.expect_no_body();
  auto switched = upgrade.feed("HTTP/1.1 101 Switching Protocols\r\nUpgrade: kestrel-link/1\r\n\r\n{}\n");
  CHECK((**switched).status == 101);
  CHECK(upgrade.take_rest() == "{}\n");
}

TEST_CASE("answers before the answer are passed over, in whatever pieces they come", "[wire]") {
  const std::string early = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
  const std::string bytes = early + "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    ResponseReader whole(kibibytes(1));
    const auto first = whole.feed(bytes.substr(0, at));
    REQUIRE(first);
    CHECK_FALSE(first->has_value());
    const auto answer = whole.feed(bytes.substr(at));
    REQUIRE((answer && *answer));
    CHECK((*answer)->status == 200);
    CHECK((*answer)->body == "hi");

    StreamedResponseReader streamed;
    const auto begin = streamed.feed(bytes.substr(0, at));
    REQUIRE(begin);
    const auto rest = streamed.feed(bytes.substr(at));
    REQUIRE(rest);
    CHECK(*begin + *rest == "hi");
    CHECK(streamed.head()->status == 200);
    CHECK(streamed.is_done());
  }
}

TEST_CASE("that an answer has no body counts for the answer, not for one before it", "[wire]") {
  ResponseReader reader(kibibytes(1));
  reader.expect_no_body();
  const auto answer =
      reader.feed("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  REQUIRE((answer && *answer));
  CHECK((*answer)->status == 200);
}

TEST_CASE("an answer before the answer alone is none", "[wire]") {
  ResponseReader reader(kibibytes(1));
  CHECK_FALSE(reader.feed("HTTP/1.1 100 Continue\r\n\r\n")->has_value());
  CHECK_FALSE(reader.finish()->has_value());
  StreamedResponseReader streamed;
  REQUIRE(streamed.feed("HTTP/1.1 100 Continue\r\n\r\n"));
  CHECK_FALSE(streamed.head());
  CHECK_FALSE(streamed.finish());
}

TEST_CASE("a response that is cut off is an error, nothing at all is not", "[wire]") {
  ResponseReader cut(limit);
  CHECK(cut.feed("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi"));
  CHECK_FALSE(cut.finish());
  ResponseReader in_head(limit);
  CHECK(in_head.feed("HTTP/1.1 200 OK\r\nCont"));
  CHECK_FALSE(in_head.finish());
  ResponseReader silent(limit);
  CHECK_FALSE(silent.finish().value());
}

TEST_CASE("a head of more than 16 KiB is refused before it is complete", "[wire]") {
  RequestReader reader(limit);
  auto refused = reader.feed("GET / HTTP/1.1\r\nX: " + std::string(17 * 1024, 'x'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "cannot read the message: its head is too long");
  CHECK_FALSE(read_request("GET /" + std::string(17 * 1024, 'x')));
  CHECK_FALSE(read_request("GET / HTTP/1.1\r\nX: " + std::string(17 * 1024, 'x') + "\r\n\r\n"));
  CHECK(read_request("GET / HTTP/1.1\r\nX: " + std::string(15 * 1024, 'x') + "\r\n\r\n").value());
}

TEST_CASE("a body beyond the limit is refused, by its length or by its chunks", "[wire]") {
  RequestReader by_length(Bytes{10});
  auto refused = by_length.feed("POST / HTTP/1.1\r\nContent-Length: 11\r\n\r\n");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message == "cannot read the message: its body is too long");
  RequestReader by_chunks(Bytes{10});
  CHECK(by_chunks.feed("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n12345678\r\n"));
  CHECK_FALSE(by_chunks.feed("8\r\n12345678\r\n"));
  CHECK_FALSE(read_request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffff\r\n"));
}

TEST_CASE("endless chunk extensions and trailers are bounded", "[wire]") {
  const std::string head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string endless(40 * 1024, 'x');
  RequestReader extension(limit);
  auto result = extension.feed(head + "3;");
  for (int i = 0; i < 4 && result; ++i) result = extension.feed(endless);
  CHECK_FALSE(result);
  RequestReader trailer(limit);
  result = trailer.feed(head + "0\r\nX: ");
  for (int i = 0; i < 4 && result; ++i) result = trailer.feed(endless);
  CHECK_FALSE(result);
}

TEST_CASE("what a proxy and we could read in two ways is refused", "[wire]") {
  const std::string framing = GENERATE(as<std::string>(),                                      //
                                       "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",  //
                                       "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",  //
                                       "Content-Length: 3\r\nContent-Length: 4\r\n",           //
                                       "Content-Length: 3\r\nContent-Length: 3\r\n",           //
                                       "Content-Length: 3, 4\r\n",                             //
                                       "Content-Length: +3\r\n",                               //
                                       "Content-Length: -3\r\n",                               //
                                       "Content-Length: 0x3\r\n",                              //
                                       "Content-Length: 3 3\r\n",                              //
                                       "Content-Length: \r\n",                                 //
                                       "Content-Length: 99999999999999999999999\r\n",          //
                                       "Content-Length : 3\r\n",                               //
                                       "Transfer-Encoding : chunked\r\n",                      //
                                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                       "Transfer-Encoding: gzip\r\n",               //
                                       "Transfer-Encoding: identity\r\n",           //
                                       "Transfer-Encoding: chunked, identity\r\n",  //
                                       "Transfer-Encoding: xchunked\r\n",           //
                                       "Transfer-Encoding: gzip, chunked\r\n",
                                       "X: a\rContent-Length: 3\r\n",  //
                                       "X: a\nContent-Length: 3\r\n");
  INFO(framing);
  CHECK_FALSE(read_request("POST / HTTP/1.1\r\nHost: a\r\n" + framing +
                           "\r\n0\r\n\r\nGET /smuggled HTTP/1.1\r\n\r\n"));
}

TEST_CASE("a head of many small lines is bounded as one of few long ones", "[wire]") {
  RequestReader reader(limit);
  auto result = reader.feed("GET / HTTP/1.1\r\n");
  int lines = 0;
  for (; result && lines < 5000; ++lines) result = reader.feed("X: 1234\r\n");
  CHECK_FALSE(result);
  CHECK(lines < 16 * 1024 / 9 + 1);
}

TEST_CASE("bad chunking is refused", "[wire]") {
  const std::string body =
      GENERATE(as<std::string>(), "g\r\n", "-1\r\n", " 3\r\none\r\n0\r\n\r\n", "3\r\nonetwo\r\n", "\r\n\r\n",
               "0x3\r\n\r\n", "0 \r\n\r\n", "10000000000000000\r\n", "0\r\nno trailer\r\n\r\n");
  INFO(body);
  CHECK_FALSE(read_request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + body));
}

TEST_CASE("chunks whose lines end with a bare newline never become a message", "[wire]") {
  auto request = read_request("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\none\n0\n\n");
  CHECK_FALSE((request && *request));
}

TEST_CASE("what is no request is refused", "[wire]") {
  const std::string bytes =
      GENERATE(as<std::string>(), "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/2.0\r\n\r\n",
               "GET / HTTP/1.1 \r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", " GET / HTTP/1.1\r\n\r\n",
               "G\x01T / HTTP/1.1\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "GET /\x7f HTTP/1.1\r\n\r\n",
               "GET / HTTP/1.1\r\nno colon\r\n\r\n", "GET / HTTP/1.1\r\n: empty\r\n\r\n",
               "GET / HTTP/1.1\r\nX: \x01\r\n\r\n", "\x16\x03\x01\x02\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n");
  INFO(bytes);
  CHECK_FALSE(read_request(bytes));
}

TEST_CASE("a reader that has failed stays dead", "[wire]") {
  RequestReader reader(limit);
  REQUIRE_FALSE(reader.feed("nonsense\r\n\r\n"));
  CHECK_FALSE(reader.feed("GET / HTTP/1.1\r\n\r\n"));
  CHECK_FALSE(reader.finish());
}

namespace {

/// A reader that takes every body in pieces, and what comes of a message that is fed piece by piece.
struct InPieces {
  RequestReader reader{limit, [](std::string_view, std::string_view) {
                         return BodyRule{endless_body, BodyRule::Delivery::in_pieces};
                       }};
  std::optional<Request> request;
  std::string body;
  std::string_view rest;
  std::optional<Error> error;

  void feed(std::string_view bytes) {
    if (!request) {
      auto fed = reader.feed(bytes);
      if (!fed) error = fed.error();
      if (!fed || !*fed) return;
      request = **fed;
      body = request->body;
      bytes = {};
    }
    do {
      if (!reader.is_in_body()) break;
      auto piece = reader.feed_body(bytes);
      piece ? void(body += *piece) : void(error = piece.error());
    } while (!bytes.empty() && !error);
    rest = bytes;
  }
};

}  // namespace

TEST_CASE("a body taken in pieces comes after its message, in any pieces", "[wire]") {
  const std::string framed = GENERATE(std::string("Content-Length: 11\r\n\r\nhello world"),
                                      std::string("Transfer-Encoding: chunked\r\n\r\n"
                                                  "5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\n"));
  const std::string bytes = "PUT /v1/files HTTP/1.1\r\nHost: vm\r\n" + framed + "GET";
  const std::size_t step = GENERATE(1, 7, 4096);
  InPieces message;
  for (std::size_t at = 0; at < bytes.size(); at += step)
    message.feed(std::string_view(bytes).substr(at, step));
  REQUIRE(message.request);
  CHECK(message.request->method == "PUT");
  CHECK(message.body == "hello world");
  CHECK_FALSE(message.reader.is_in_body());
  if (step == 4096) CHECK(message.reader.take_rest() + std::string(message.rest) == "GET");
}

TEST_CASE("a body that announces an exabyte takes no memory before it comes", "[wire]") {
  InPieces message;
  message.feed("PUT / HTTP/1.1\r\nContent-Length: 1152921504606846976\r\n\r\nab");
  REQUIRE(message.request);
  CHECK(message.reader.is_in_body());
  CHECK(message.body == "ab");
  message.feed("cd");
  CHECK(message.body == "abcd");
}

TEST_CASE("many small chunks in one piece are one body", "[wire]") {
  std::string bytes = "PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
  InPieces message;
  message.feed(bytes);
  std::string chunks;
  for (int i = 0; i < 20'000; ++i) chunks += "1\r\nx\r\n";
  message.feed(chunks);
  CHECK(message.body == std::string(20'000, 'x'));
  message.feed("0\r\n\r\n");
  CHECK_FALSE(message.reader.is_in_body());
}

TEST_CASE("a body whose framing breaks is an error in the middle of it", "[wire]") {
  InPieces message;
  message.feed("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nx");
  REQUIRE(message.request);
  message.feed("yz\r\n");
  CHECK(message.error);
}

TEST_CASE("a target is taken apart and decoded", "[wire]") {
  auto target = parse_target("/v1/files/a%20b?path=%2Fetc%2Fx&follow&q=a+b&path=second&&=v");
  REQUIRE(target);
  CHECK(target->path == "/v1/files/a b");
  CHECK(target->find("path") == "/etc/x");
  CHECK(target->find("follow") == "");
  CHECK(target->find("q") == "a b");
  CHECK(target->find("") == "v");
  CHECK(target->find("none") == std::nullopt);
}

TEST_CASE("a malformed escape is an error wherever it is", "[wire]") {
  for (const std::string target : {"/%", "/%4", "/%zz", "/?a=%", "/?%1=a", "/a%2"})
    CHECK_FALSE(parse_target(target));
  CHECK(parse_target("/%41")->path == "/A");
}

TEST_CASE("what is percent-encoded decodes to itself", "[wire]") {
  std::string all;
  for (int i = 0; i < 256; ++i) all.push_back(static_cast<char>(i));
  const auto encoded = percent_encode(all);
  CHECK(encoded.find_first_of(" /?&=+\n") == std::string::npos);
  CHECK(parse_target("/?x=" + encoded)->find("x") == all);
}

TEST_CASE("messages that are written read as themselves", "[wire]") {
  const Request post{
      .method = "POST", .target = "/x", .headers = {{"Host", "vm"}}, .body = "data", .keep_alive = false};
  const auto request = request_in(serialize(post));
  CHECK(request.method == "POST");
  CHECK(request.body == "data");
  CHECK_FALSE(request.keep_alive);
  auto response = read_response(serialize(json_response(200, R"({"a":1})")));
  REQUIRE(response);
  CHECK((**response).body == "{\"a\":1}\n");
  CHECK(find_header((**response).headers, "content-type") == "application/json");
}

TEST_CASE("a length is written for whatever carries a body or could", "[wire]") {
  CHECK(serialize(Request{.method = "GET", .target = "/", .headers = {}, .body = {}}) ==
        "GET / HTTP/1.1\r\n\r\n");
  CHECK(serialize(Request{.method = "POST", .target = "/", .headers = {}, .body = {}}) ==
        "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n");
  CHECK(serialize(Response{.status = 200, .headers = {}, .body = {}}) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  CHECK(serialize(Response{.status = 204, .headers = {}, .body = {}}) == "HTTP/1.1 204 No Content\r\n\r\n");
  CHECK(serialize(Response{.status = 101, .headers = {}, .body = {}}) ==
        "HTTP/1.1 101 Switching Protocols\r\n\r\n");
}

TEST_CASE("no header and no target can break out of its line", "[wire]") {
  const Request evil{.method = "GET",
                     .target = "/a b\r\nX: y",
                     .headers = {{"A", "1\r\nEvil: yes"}, {"B\nEvil", "2"}},
                     .body = {}};
  const auto request = request_in(serialize(evil));
  CHECK(find_header(request.headers, "Evil") == std::nullopt);
  CHECK(find_header(request.headers, "X") == std::nullopt);
  CHECK(request.target == "/a%20b%0D%0AX:%20y");
}

TEST_CASE("a streamed answer reads as its chunks joined", "[wire]") {
  const auto bytes = serialize_chunked_head({.status = 200, .headers = {}, .body = {}}) + chunk("hello ") +
                     chunk("") + chunk(std::string(300, 'x')) + std::string(last_chunk());
  CHECK((**read_response(bytes)).body == "hello " + std::string(300, 'x'));
}

TEST_CASE("a problem is JSON whatever its detail", "[wire]") {
  const auto response = problem(404, "no \"service\"\n named \xff\\ \x01");
  CHECK(response.status == 404);
  CHECK(find_header(response.headers, "Content-Type") == "application/problem+json");
  CHECK(response.body ==
        R"({"type":"about:blank","title":"Not Found","status":404,"detail":"no \"service\"\n named )"
        "\xef\xbf\xbd"
        R"(\\ \u0001"})"
        "\n");
}

}  // namespace kestrel::wire
