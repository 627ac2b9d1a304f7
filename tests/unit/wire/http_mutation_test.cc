// Strangers' bytes: cut anywhere, and changed at random with a fixed seed.
#include <algorithm>
#include <catch2/catch.hpp>
#include <random>

#include "kestrel/wire/http.h"

namespace kestrel::wire {
namespace {

const std::vector<std::string> requests = {
    "GET /v1/logs?service=api&follow=1 HTTP/1.1\r\nHost: vm\r\nAccept: */*\r\n\r\n",
    "POST /v1/power HTTP/1.1\r\nHost: vm\r\nContent-Length: 21\r\n\r\n{\"action\":\"shutdown\"}GET / "
    "HTTP/1.1\r\n\r\n",
    "PUT /v1/files?path=%2Fa HTTP/1.1\r\nTransfer-Encoding: "
    "chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nT: u\r\n\r\n",
    "CONNECT 127.0.0.1:8080 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n\x16\x03\x01 raw",
};
const std::vector<std::string> responses = {
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 204 No "
    "Content\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n0123456789abcdef\r\n3\r\nend\r\n0\r\n\r\n",
    "HTTP/1.0 503 Service Unavailable\r\nConnection: close\r\n\r\nuntil the end",
};

/// All that a reader makes of `bytes` that come in pieces, as text.
template <typename Reader>
std::string outcome(std::string_view bytes, const std::function<std::size_t()>& next_size) {
  Reader reader{kibibytes(4)};
  std::string out;
  // False when there is no further message in what has been fed.
  const auto note = [&](const auto& result) {
    if (!result) throw result.error();
    if (*result) out += serialize(**result) + "\n";
    return result->has_value();
  };
  try {
    while (!bytes.empty()) {
      const auto size = std::min(next_size(), bytes.size());
      for (bool has_more = note(reader.feed(bytes.substr(0, size))); has_more;)
        has_more = note(reader.feed({}));
      bytes.remove_prefix(size);
    }
    note(reader.finish());
    return out + "rest: " + reader.take_rest();
  } catch (const Error&) {
    return out + "error";  // which one depends on how much was seen of it
  }
}

std::string mutate(std::string bytes, std::mt19937& random) {
  static const std::vector<std::string> fragments = {"\r\n",
                                                     "\n",
                                                     "\r",
                                                     "\r\n\r\n",
                                                     ":",
                                                     " ",
                                                     "0",
                                                     "Content-Length: 5\r\n",
                                                     "Transfer-Encoding: chunked\r\n",
                                                     "ffffffffffffffff\r\n",
                                                     "HTTP/1.1",
                                                     std::string(1, '\0'),
                                                     "\xff",
                                                     ";",
                                                     ",",
                                                     "Connection: close\r\n"};
  const auto pick = [&](std::size_t below) { return below == 0 ? 0 : random() % below; };
  for (auto count = 1 + pick(4); count > 0 && !bytes.empty(); --count) {
    const auto at = pick(bytes.size());
    switch (pick(5)) {
      case 0:
        bytes[at] = static_cast<char>(random());
        break;
      case 1:
        bytes.erase(at, 1 + pick(8));
        break;
      case 2:
        bytes.insert(at, fragments[pick(fragments.size())]);
        break;
      case 3:
        bytes.resize(at);
        break;
      default:
        bytes.insert(at, bytes.substr(pick(bytes.size()), pick(40)));
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("bytes that come one by one are read as if they came at once", "[wire]") {
  const auto at_once = [] { return std::size_t(-1); };
  const auto one_by_one = [] { return std::size_t(1); };
  for (const auto& bytes : requests) {
    CHECK(outcome<RequestReader>(bytes, one_by_one) == outcome<RequestReader>(bytes, at_once));
  }
  for (const auto& bytes : responses) {
    CHECK(outcome<ResponseReader>(bytes, one_by_one) == outcome<ResponseReader>(bytes, at_once));
  }
}

TEST_CASE("100,000 damaged messages crash nothing, and read the same however they are cut", "[wire]") {
  std::mt19937 random(20240131);
  int differences = 0;
  for (int i = 0; i < 50'000; ++i) {
    const auto request = mutate(requests[random() % requests.size()], random);
    const auto response = mutate(responses[random() % responses.size()], random);
    const auto at_once = [] { return std::size_t(-1); };
    const auto in_pieces = [&] { return std::size_t(1 + random() % 20); };
    differences += outcome<RequestReader>(request, at_once) != outcome<RequestReader>(request, in_pieces);
    differences += outcome<ResponseReader>(response, at_once) != outcome<ResponseReader>(response, in_pieces);
  }
  CHECK(differences == 0);
}

TEST_CASE("a streamed response is read the same as a whole one", "[wire]") {
  for (const auto& bytes : responses) {
    StreamedResponseReader streamed;
    std::string body;
    for (const char byte : bytes) {
      if (!streamed.is_done()) body += *streamed.feed({&byte, 1});
    }
    CHECK(streamed.finish());
    ResponseReader whole(kibibytes(4));
    auto response = whole.feed(bytes);
    if (!*response) response = whole.finish();
    REQUIRE(streamed.head());
    CHECK(streamed.head()->status == (**response).status);
    CHECK(body == (**response).body);
  }
}

}  // namespace kestrel::wire
