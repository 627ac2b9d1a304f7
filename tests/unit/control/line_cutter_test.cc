#include "kestrel/control/line_cutter.h"

#include <catch2/catch.hpp>
#include <random>
#include <vector>

using kestrel::control::LineCutter;
using kestrel::control::longest_log_line;

namespace {

struct Cutting {
  LineCutter cutter;
  std::vector<std::string> lines;

  void feed(std::string_view bytes) {
    cutter.feed(bytes, [this](std::string_view line) { lines.emplace_back(line); });
  }
  void finish() {
    cutter.finish([this](std::string_view line) { lines.emplace_back(line); });
  }
};

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("several lines in one read are several lines", "[control]") {
  Cutting c;
  c.feed("one\ntwo\n\nthree\n");
  CHECK(c.lines == Lines{"one", "two", "", "three"});
  CHECK(c.cutter.pending_bytes() == 0);
}

TEST_CASE("a line without a newline waits for its end", "[control]") {
  Cutting c;
  c.feed("hel");
  c.feed("lo");
  CHECK(c.lines.empty());
  c.feed("\nwor");
  CHECK(c.lines == Lines{"hello"});
  c.finish();
  CHECK(c.lines == Lines{"hello", "wor"});
  c.finish();
  CHECK(c.lines.size() == 2);
}

TEST_CASE("a line as long as the cap stays whole", "[control]") {
  const std::string longest(longest_log_line, 'x');
  Cutting whole;
  whole.feed(longest + "\nnext\n");
  CHECK(whole.lines == Lines{longest, "next"});
  Cutting parts;
  parts.feed(longest);
  parts.feed("\nnext\n");
  CHECK(parts.lines == Lines{longest, "next"});
}

TEST_CASE("a line beyond the cap is split there", "[control]") {
  const std::string longest(longest_log_line, 'x');
  Cutting c;
  c.feed(longest + longest + "tail\n");
  CHECK(c.lines == Lines{longest, longest, "tail"});
}

TEST_CASE("a split does not tear a character apart", "[control]") {
  const std::string before(longest_log_line - 1, 'x');
  for (std::size_t piece : {std::size_t{1}, std::size_t{7}, longest_log_line, 4 * longest_log_line}) {
    Cutting c;
    const std::string text = before + "\xe2\x82\xac behind\n";
    for (std::size_t at = 0; at < text.size(); at += piece) c.feed(std::string_view(text).substr(at, piece));
    CHECK(c.lines == Lines{before, "\xe2\x82\xac behind"});
  }
}

TEST_CASE("bytes that are no text are split at the cap", "[control]") {
  Cutting c;
  c.feed(std::string(longest_log_line + 10, '\x80'));
  c.finish();
  REQUIRE(c.lines.size() == 2);
  CHECK(c.lines[0].size() == longest_log_line);
  CHECK(c.lines[1].size() == 10);
}

TEST_CASE("how the bytes arrive does not change the lines", "[control]") {
  std::mt19937 random(7);  // NOLINT: the same sequence every time
  std::string text;
  for (int i = 0; i < 300; ++i) {
    const std::size_t length = random() % 40 == 0 ? random() % 60'000 : random() % 90;
    text.append(length, static_cast<char>('a' + i % 26))
        .append(random() % 9 == 0 ? "\xc3\xa9" : "")
        .push_back('\n');
  }
  Cutting at_once;
  at_once.feed(text);
  Cutting in_pieces;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t piece = 1 + random() % 9'000;
    in_pieces.feed(std::string_view(text).substr(at, piece));
    at += piece;
  }
  CHECK(at_once.lines == in_pieces.lines);
}
