#include "hostd/vsock/scatter.h"

#include <catch2/catch.hpp>
#include <string>

#include "hostd/vsock/byte_queue.h"

namespace kestrel::hostd::vsock::test {

namespace {

std::vector<iovec> pieces_of(std::vector<std::string>& texts) {
  std::vector<iovec> pieces;
  for (std::string& text : texts) pieces.push_back({text.data(), text.size()});
  return pieces;
}

std::string joined(Pieces pieces) {
  std::string text(total_size(pieces), '\0');
  gather(pieces, std::as_writable_bytes(std::span(text)));
  return text;
}

}  // namespace

TEST_CASE("a slice of pieces is the slice of their text", "[vsock]") {
  std::vector<std::string> texts = {"abc", "", "d", "efgh"};
  const std::vector<iovec> pieces = pieces_of(texts);
  const std::string whole = joined(pieces);
  CHECK(whole == "abcdefgh");
  std::vector<iovec> out;
  for (std::size_t offset = 0; offset <= 10; ++offset) {
    for (std::size_t length = 0; length <= 10; ++length) {
      slice(pieces, offset, length, out);
      CHECK(joined(out) == (offset < whole.size() ? whole.substr(offset, length) : ""));
    }
  }
}

TEST_CASE("copies stop where either side ends", "[vsock]") {
  std::vector<std::string> texts = {"....", "....", "...."};
  const auto pieces = pieces_of(texts);
  CHECK(scatter(std::as_bytes(std::span("123456", 6)), pieces) == 6);
  CHECK(texts == std::vector<std::string>{"1234", "56..", "...."});
  std::string small(5, ' ');
  CHECK(gather(pieces, std::as_writable_bytes(std::span(small))) == 5);
  CHECK(small == "12345");
}

TEST_CASE("a byte queue gives back what was put in, in any portions", "[vsock]") {
  ByteQueue queue;
  std::string expected;
  std::string taken;
  for (std::size_t i = 0; i < 500; ++i) {
    std::vector<std::string> texts = {std::string(i % 7, static_cast<char>('a' + i % 26)), std::to_string(i)};
    queue.append(pieces_of(texts));
    expected += texts[0] + texts[1];
    const auto front = queue.front();
    const std::size_t count = std::min<std::size_t>(front.size(), i % 11);
    taken.append(reinterpret_cast<const char*>(front.data()), count);
    queue.take(count);
    CHECK(queue.size() == expected.size() - taken.size());
  }
  const auto rest = queue.front();
  taken.append(reinterpret_cast<const char*>(rest.data()), rest.size());
  queue.take(rest.size());
  CHECK(queue.is_empty());
  CHECK(taken == expected);
}

}  // namespace kestrel::hostd::vsock::test
