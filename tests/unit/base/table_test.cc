#include "kestrel/base/table.h"

#include <catch2/catch.hpp>

using namespace kestrel;

TEST_CASE("a table's columns are as wide as their widest cell", "[base]") {
  Table table({"NAME", "STATE"});
  table.add({"a", "running"});
  table.add({"längst", ""});
  CHECK(table.text() == "NAME     STATE\na        running\nlängst   -\n");
}

TEST_CASE("a table may have no header", "[base]") {
  Table table;
  table.add({"state", "running"});
  CHECK(table.text() == "state   running\n");
}

TEST_CASE("colours take no room in a table and can be left out", "[base]") {
  Table table;
  table.add({Cell("up", Colour::green), "x"});
  table.add({Cell("longer", Colour::none), "y"});
  CHECK(table.text(Table::Colours::on) == "\x1b[32mup\x1b[0m       x\nlonger   y\n");
  CHECK(table.text(Table::Colours::off) == "up       x\nlonger   y\n");
}

TEST_CASE("a cell cannot steer the terminal", "[base]") {
  Table table;
  table.add({"\x1b[2Jx", "line\nbreak"});
  const std::string text = table.text();
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find('\n') == text.size() - 1);
}
