#include "hostd/cli/output_format.h"

#include <catch2/catch.hpp>

using namespace kestrel::hostd;

TEST_CASE("a document in YAML has the structure and types of its JSON", "[hostd]") {
  CHECK(to_yaml(R"({"name":"site","size":12,"is":true,"none":null,"env":{},"list":[]})") ==
        "name: site\nsize: 12\nis: true\nnone: null\nenv: {}\nlist: []\n");
  CHECK(to_yaml(R"({"a":{"b":{"c":1}},"d":2})") == "a:\n  b:\n    c: 1\nd: 2\n");
  CHECK(to_yaml(R"({"list":[{"a":1,"b":[1,2]},"x",[3]]})") ==
        "list:\n  - a: 1\n    b:\n      - 1\n      - 2\n  - x\n  - - 3\n");
}

TEST_CASE("text that YAML could take for something else stands in quotes", "[hostd]") {
  CHECK(to_yaml(R"(["yes","NO","null","1.0","a: b","- a","","#","x\ny","a.b/c-d_e"])") ==
        "- \"yes\"\n- \"NO\"\n- \"null\"\n- \"1.0\"\n- \"a: b\"\n- \"- a\"\n- \"\"\n- \"#\"\n- \"x\\ny\"\n- "
        "a.b/c-d_e\n");
}

TEST_CASE("a document for programs ends with a line break in either format", "[hostd]") {
  CHECK(in_format(OutputFormat::json, R"({"a":1})") == "{\"a\":1}\n");
  CHECK(in_format(OutputFormat::json, "{}\n") == "{}\n");
  CHECK(in_format(OutputFormat::yaml, R"({"a":1})") == "a: 1\n");
}
