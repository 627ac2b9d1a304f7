#include "kestrel/config/yaml_reader.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"
#include "kestrel/config/screening.h"

using namespace kestrel;
using namespace kestrel::config;

namespace {

/// The values on one line, with their positions where `with_positions`.
std::string shown(const Raw& raw, bool with_positions = false) {
  const std::string at = with_positions ? concat('@', describe(raw.at)) : "";
  if (const auto* scalar = std::get_if<RawScalar>(&raw.value)) {
    return concat(scalar->is_plain ? scalar->text : concat('"', scalar->text, '"'), at);
  }
  std::string out;
  if (const auto* list = std::get_if<RawList>(&raw.value)) {
    for (const Raw* item : *list) out += concat(out.empty() ? "" : " ", shown(*item, with_positions));
    return concat('[', out, ']', at);
  }
  if (const auto* map = std::get_if<RawMap>(&raw.value)) {
    for (const RawEntry& entry : *map) {
      out += concat(out.empty() ? "" : " ", entry.key, ':', shown(*entry.value, with_positions));
    }
    return concat('{', out, '}', at);
  }
  return concat('~', at);
}

std::string read(std::string_view text, bool with_positions = false) {
  Problems problems;
  const auto tree = read_yaml(text, problems);
  for (const Problem& problem : problems) return describe(problem, "");
  return shown(*tree->root, with_positions);
}

}  // namespace

TEST_CASE("values keep their spelling, whether they are quoted, and their place", "[config]") {
  CHECK(read("a: 0x1\nb: ['no', \"x\"]\nc:\n  d: ~\n", true) ==
        "{a:0x1@1:4 b:[\"no\"@2:5 \"x\"@2:11]@2:4 c:{d:~@4:3}@4:3}@1:1");
}

TEST_CASE("columns count bytes, and neither a byte order mark nor carriage returns disturb them",
          "[config]") {
  CHECK(read("\xef\xbb\xbf# \xc3\xbc\r\na: \"\xc3\xbc\"\r\nb: [\"\xc3\xbc\", \"x\"]\r\n", true) ==
        "{a:\"\xc3\xbc\"@2:4 b:[\"\xc3\xbc\"@3:5 \"x\"@3:11]@3:4}@2:1");
}

TEST_CASE("aliases stand for their values and merge keys for those that are missing", "[config]") {
  CHECK(read("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, l: 3}\n") == "{a:{k:1 l:2} b:{k:1 l:2} c:{l:3 k:1}}");
  CHECK(read("a: &x {k: 1}\nb: &y {k: 2, m: 3}\nc: {<<: [*x, *y]}\n") == "{a:{k:1} b:{k:2 m:3} c:{k:1 m:3}}");
}

TEST_CASE("an empty text is nothing at all", "[config]") {
  CHECK(read("") == "~");
  CHECK(read("# only words\n") == "~");
  CHECK(read("---\n...\n") == "~");
}

TEST_CASE("quotes must be closed, also where the text goes on to its end", "[config]") {
  CHECK(read("a: \"b\\\"c\"\nd: 'it''s'\n") == "{a:\"b\"c\" d:\"it's\"}");
  CHECK(read("a: \"b\n  c: d\n") == ":1:4: a quote is not closed");
  CHECK(read("a: 'b''\n") == ":1:4: a quote is not closed");
  CHECK(read("a: \"b\\\"\n") == ":1:4: a quote is not closed");
}

TEST_CASE("a text of more than a megabyte is not read", "[config]") {
  CHECK(read(std::string(max_text_bytes, '\n')) == "~");
  CHECK(read(std::string(max_text_bytes + 1, '\n')) == ": larger than 1 MiB");
}

TEST_CASE("nesting is bounded in block and in flow style", "[config]") {
  const auto nested = [](int depth) { return std::string(static_cast<std::size_t>(depth), '['); };
  const auto closed = [](int depth) { return std::string(static_cast<std::size_t>(depth), ']'); };
  CHECK(read(nested(max_nesting) + closed(max_nesting)).starts_with("[["));
  CHECK(read(nested(max_nesting + 1) + closed(max_nesting + 1)) == ":1:65: nested deeper than 64 levels");
  std::string dashes;
  for (int i = 0; i < 100; ++i) dashes += "- ";
  CHECK(read(dashes) == ":1:129: nested deeper than 64 levels");
  CHECK(read(nested(100'000)) == ":1:1001: too many open brackets");
}

TEST_CASE("a few lines of aliases cannot stand for a billion values", "[config]") {
  std::string text = "l0: &l0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    std::string aliases;
    for (int k = 0; k < 10; ++k) aliases += concat(k == 0 ? "" : ", ", "*l", i - 1);
    text += concat("l", i, ": &l", i, " [", aliases, "]\n");
  }
  CHECK(read(text).find("more than 100000 values") != std::string::npos);
}

TEST_CASE("as many values as are allowed are read", "[config]") {
  std::string text = "[1";
  for (std::size_t i = 0; i < max_values - 2; ++i) text += ",1";
  CHECK(read(text + "]").starts_with("[1 1"));
  CHECK(read(text + ",1]").find("more than 100000 values") != std::string::npos);
}
