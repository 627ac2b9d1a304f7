#include "kestrel/config/cloud_config.h"

#include <catch2/catch.hpp>

#include "kestrel/base/text.h"

namespace kestrel::config {
namespace {

CloudConfig load_valid_cloud_config(std::string_view text) {
  auto loaded = load_cloud_config(concat("#cloud-config\n", text));
  if (const auto* problems = std::get_if<Problems>(&loaded)) {
    for (const Problem& problem : *problems) UNSCOPED_INFO(describe(problem, "text"));
    FAIL("the text does not load");
  }
  return std::get<CloudConfig>(std::move(loaded));
}

Problems problems_of_cloud_config(std::string_view text) {
  auto loaded = load_cloud_config(text);
  const auto* problems = std::get_if<Problems>(&loaded);
  return problems ? *problems : Problems{};
}

TEST_CASE("user-data says which files to write, how, and in which order", "[config]") {
  const auto cloud = load_valid_cloud_config(R"(write_files:
  - path: /etc/environment
    content: |
      A=1
      B=2
  - {path: /b, encoding: b64, content: aGVsbG8=, permissions: '4750', owner: 'app:1000'}
  - {path: /c, encoding: base64, content: "aGVs\n bG8=", permissions: 0600, owner: app}
  - {path: /d, encoding: text/plain, content: more, append: true, permissions: 0o644, defer: false}
  - path: /e
)");
  REQUIRE(cloud.files.size() == 5);
  CHECK(cloud.files[0] == WrittenFile{.path = "/etc/environment", .content = "A=1\nB=2\n"});
  CHECK(
      cloud.files[1] ==
      WrittenFile{.path = "/b", .content = "hello", .permissions = 04750, .owner = User{"app", "1000", {}}});
  CHECK(cloud.files[2] ==
        WrittenFile{.path = "/c", .content = "hello", .permissions = 0600, .owner = User{"app", {}, {}}});
  CHECK(cloud.files[3] ==
        WrittenFile{.path = "/d", .content = "more", .permissions = 0644, .is_appended = true});
  CHECK(cloud.files[4] == WrittenFile{.path = "/e"});
  CHECK(cloud.warnings.empty());
}

TEST_CASE("a command of user-data is a line for the shell or a program with arguments", "[config]") {
  const auto cloud = load_valid_cloud_config(R"(
bootcmd: [echo "$HOME" >/x]
runcmd: [[ls, -l, 5], "true"])");
  CHECK(cloud.boot_commands == std::vector<Command>{{"/bin/sh", {"-c", R"(echo "$HOME" >/x)"}}});
  CHECK(cloud.run_commands == std::vector<Command>{{"ls", {"-l", "5"}}, {"/bin/sh", {"-c", "true"}}});
}

TEST_CASE("boot commands go before the guest's pre_start hooks, run commands behind its post_start hooks",
          "[config]") {
  Hooks hooks{.pre_start = {{"own", {}}},
              .post_start = {{"own", {}}},
              .pre_stop = {},
              .post_stop = {},
              .on_unhealthy = {}};
  add_commands(load_valid_cloud_config("bootcmd: [[a], [b]]\nruncmd: [[c], [d]]"), hooks);
  CHECK(hooks.pre_start == std::vector<Command>{{"a", {}}, {"b", {}}, {"own", {}}});
  CHECK(hooks.post_start == std::vector<Command>{{"own", {}}, {"c", {}}, {"d", {}}});
}

TEST_CASE("a guest's name is hostname, or else the first part of fqdn", "[config]") {
  CHECK(load_valid_cloud_config("hostname: a.b\nfqdn: c.example").hostname == "a.b");
  CHECK(load_valid_cloud_config("fqdn: c.example.org").hostname == "c");
  CHECK(load_valid_cloud_config("").hostname == std::nullopt);
}

TEST_CASE("what user-data say that is not known is warned about, and the rest counts", "[config]") {
  const auto cloud = load_valid_cloud_config(R"(packages: [nginx]
hostnam: x
x-own: 1
write_files:
  - {path: /a, source: {uri: http://b}, defer: true}
)");
  CHECK(cloud.warnings ==
        Problems{{2, 1, "unknown key 'packages'"},
                 {3, 1, "unknown key 'hostnam'; did you mean 'hostname'?"},
                 {6, 16, "unknown key 'source'"},
                 {6, 41, "'defer' does nothing: all files are written before the first command"}});
  CHECK(cloud.files == std::vector<WrittenFile>{{.path = "/a"}});
}

TEST_CASE("an empty text asks for nothing, and so does one with nothing but its first line", "[config]") {
  const auto text = GENERATE("", "#cloud-config", "#cloud-config\r\n", "#cloud-config\n# nothing\n");
  const auto loaded = load_cloud_config(text);
  REQUIRE(std::holds_alternative<CloudConfig>(loaded));
  const auto& cloud = std::get<CloudConfig>(loaded);
  CHECK((cloud.files.empty() && cloud.boot_commands.empty() && cloud.run_commands.empty()));
}

TEST_CASE("user-data of another kind are refused", "[config]") {
  const auto text = GENERATE("hostname: a", "#!/bin/sh\n", "#cloud-config-archive\n", "\n#cloud-config\n",
                             "## template: jinja\n#cloud-config\n");
  CHECK(problems_of_cloud_config(text) ==
        Problems{{1, 1, "user-data of another kind: the first line is not #cloud-config"}});
}

TEST_CASE("all that is wrong with user-data is told at once with its place", "[config]") {
  std::vector<std::string> told;
  const auto problems = problems_of_cloud_config(R"(#cloud-config
hostname: a_b
fqdn: -c
write_files:
  - {paht: /a}
  - {path: b, permissions: 888, owner: ':c', append: 1}
  - {path: /c, encoding: b64, content: '?'}
  - {path: /d, encoding: gz+b64}
  - {path: /e, encoding: rot13}
bootcmd: date
runcmd: [[], [''], '', ~, {a: b}, [ls, []]]
runcmd: []
)");
  for (const auto& one : problems) told.push_back(describe(one, "f"));
  CHECK(told ==
        std::vector<std::string>{
            "f:2:11: 'hostname' expects a host name of letters, digits, '-' and '.', at most 64 characters, "
            "found 'a_b'",
            "f:3:7: 'fqdn' expects a domain name, found '-c'", "f:5:5: missing key 'path'",
            "f:6:12: 'path' expects an absolute path, found 'b'",
            "f:6:28: 'permissions' expects octal digits from 000 to 7777, found the number 888",
            "f:6:40: 'owner' expects USER or USER:GROUP, found the text ':c'",
            "f:6:54: 'append' expects true or false, found the number 1",
            "f:7:40: 'content' is not base64, as its 'encoding' says",
            "f:8:26: 'encoding' gz+b64 is not supported: give the content as it is, or in base64",
            "f:9:26: 'encoding' expects text/plain, b64 or base64, found 'rot13'",
            "f:10:10: 'bootcmd' expects a list, found 'date'",
            "f:11:9: 'runcmd' expects lines for the shell, or lists of a program and its arguments, found "
            "nothing",
            "f:11:10: 'runcmd' has a command without a program", "f:11:15: 'runcmd' is empty",
            "f:11:20: 'runcmd' is empty",
            "f:11:27: 'runcmd' expects lines for the shell, or lists of a program and its arguments, found a "
            "map",
            "f:11:40: 'runcmd' expects text, found a list",
            "f:12:1: duplicate key 'runcmd' (first at 11:1)"});
}

TEST_CASE("user-data that are no map, or no YAML, are refused", "[config]") {
  CHECK(problems_of_cloud_config("#cloud-config\n- a\n") == Problems{{2, 1, "expected a map, found a list"}});
  CHECK(problems_of_cloud_config("#cloud-config\na: 'b\n") == Problems{{2, 4, "a quote is not closed"}});
  CHECK(problems_of_cloud_config("#cloud-config\na: &a [*a]\n").size() == 1);
}

}  // namespace
}  // namespace kestrel::config
