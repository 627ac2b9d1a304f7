// From a command line as CLI11 has it to the tree of commands. That the scripts made of that work is asked of
// real shells in tests/pid1/completion_test.sh.
#include <catch2/catch.hpp>
#include <CLI/CLI.hpp>

#include "hostd/completion/describe.h"
#include "hostd/completion/man_page.h"
#include "kestrel/base/text.h"

using namespace kestrel;
using namespace kestrel::hostd::completion;
using Kind = Argument::Kind;

namespace {

std::vector<std::string> paths_of(const Command& root) {
  std::vector<std::string> paths;
  for (const CommandPath& each : flatten(root)) paths.push_back(each.path);
  return paths;
}

Argument argument_of_type(const std::string& type) {
  CLI::App app("about", "tool");
  std::string value;
  app.add_option("--option", value, "")->type_name(type);
  const Program program = describe(app, {{"VM", "list"}});
  return program.root.options.back().value.value();
}

}  // namespace

TEST_CASE("a command has its options, its positionals and its commands", "[hostd]") {
  CLI::App app("about", "tool");
  bool flag = false;
  std::vector<std::string> values;
  std::string vm;
  CLI::App* list = app.add_subcommand("list", "All of them\nand more");
  list->alias("ls");
  list->add_flag("-q,--quiet", flag, "only names");
  list->add_option("-e", values, "several")->take_all();
  list->add_option("VM", vm, "which");
  const Program program = describe(app, {{"VM", "tool names"}});
  CHECK(paths_of(program.root) == std::vector<std::string>{"tool", "tool list", "tool ls"});
  const Command& command = program.root.commands.front();
  CHECK(command.description == "All of them");
  REQUIRE(command.options.size() == 3);
  CHECK(command.options[0].names == std::vector<std::string>{"-h", "--help"});
  CHECK(command.options[1].names == std::vector<std::string>{"-q", "--quiet"});
  CHECK_FALSE(command.options[1].value);
  CHECK_FALSE(command.options[1].can_repeat);
  CHECK(command.options[2].value == Argument{Kind::text, "TEXT"});
  CHECK(command.options[2].can_repeat);
  CHECK(command.positionals == std::vector<Argument>{{Kind::name, "VM", {}, "which"}});
}

TEST_CASE("a manual page has every command with its options, and no word of it is taken for roff",
          "[hostd]") {
  CLI::App app("Does things.", "tool");
  std::string vm;
  std::string file;
  CLI::App* vms = app.add_subcommand("vms", "More");
  CLI::App* save = vms->add_subcommand("save", "Save one");
  save->add_option("VM", vm, "which one");
  save->add_option("-o,--output-file", file, ".hidden \\ too")->type_name("FILE");
  save->footer("'quoted'\n.dotted");
  const std::string page = man_page(describe(app, {}), user_commands, "1.2.3");
  CHECK(page ==
        ".TH tool 1 \"\" \"Kestrel 1.2.3\" \"User Commands\"\n"
        ".SH NAME\ntool \\- Does things\n"
        ".SH SYNOPSIS\n\\fBtool\\fR [\\fIOPTION\\fR...] \\fICOMMAND\\fR\n"
        ".SH OPTIONS\n"
        ".SH COMMANDS\n"
        ".SS \\fBtool vms save\\fR [\\fIOPTION\\fR...] \\fIVM\\fR\nSave one.\n"
        ".TP\n\\fIVM\\fR\nwhich one\n"
        ".TP\n\\fB\\-o\\fR, \\fB\\-\\-output\\-file\\fR \\fIFILE\\fR\n\\&.hidden \\e too\n"
        ".PP\n\\&'quoted'\n\\&.dotted\n");
}

TEST_CASE("a type's name says what a word stands for", "[hostd]") {
  CHECK(argument_of_type("FILE").kind == Kind::file);
  CHECK(argument_of_type("DIR").kind == Kind::folder);
  CHECK(argument_of_type("unix:PATH").kind == Kind::socket);
  CHECK(argument_of_type("[VM:]PATH").kind == Kind::place);
  CHECK(argument_of_type("COMMAND").kind == Kind::remainder);
  CHECK(argument_of_type("VM").kind == Kind::name);
  CHECK(argument_of_type("UINT").kind == Kind::text);
  CHECK(argument_of_type("a|b").words == std::vector<std::string>{"a", "b"});
}

TEST_CASE("no description gets out of its quotes", "[hostd]") {
  Program program{{{"tool"}, "it's"}};
  program.root.options.push_back({{"--all"}, "'; touch evil; ' [x] a:b \\"});
  CHECK(zsh_script(program).find(R"('--all['\''; touch evil; '\'' \[x\] a\:b \\]')") != std::string::npos);
  CHECK(fish_script(program).find(R"(-d '\'; touch evil; \' [x] a:b \\')") != std::string::npos);
  CHECK(bash_script(program).find("evil") == std::string::npos);
}

TEST_CASE("there are scripts for three shells", "[hostd]") {
  const Program program{{{"tool"}, ""}};
  for (const char* shell : {"bash", "zsh", "fish"}) CHECK(script_for(shell, program));
  CHECK_FALSE(script_for("tcsh", program));
}
