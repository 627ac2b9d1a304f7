#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "tests/unit/config/loading.h"

using namespace kestrel::config;
namespace fs = std::filesystem;

namespace {

/// A small root filesystem in a temporary folder.
class Root {
 public:
  Root() {
    char pattern[] = "/tmp/kestrel-root-XXXXXX";
    folder_ = mkdtemp(pattern);
    for (const char* name : {"bin", "etc", "opt/tool/bin", "usr/bin"}) fs::create_directories(folder_ / name);
    write("etc/passwd", "root:x:0:0::/root:/bin/sh\npostgres:x:70:70::/:/bin/false\n");
    write("etc/group", "root:x:0:\nssl-cert:x:101:\n");
    add_program("bin/api");
    write("bin/notes", "");
  }
  ~Root() { fs::remove_all(folder_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  void write(const std::string& name, std::string_view text) const { std::ofstream(folder_ / name) << text; }
  void add_program(const std::string& name) const {
    write(name, "");
    fs::permissions(folder_ / name, fs::perms::owner_all);
  }
  void link(const std::string& name, const std::string& target) const {
    fs::create_symlink(target, folder_ / name);
  }

  [[nodiscard]] std::vector<std::string> missing(const std::string& keys) const {
    return missing(load_valid("exec:\n  - {name: a, " + keys + "}\n"));
  }
  [[nodiscard]] std::vector<std::string> missing(const Model& model) const {
    return missing_in_root(model, folder_.string());
  }

 private:
  fs::path folder_;
};

using Missing = std::vector<std::string>;

}  // namespace

TEST_CASE("nothing is missing in a root that has everything", "[config]") {
  const Root root;
  CHECK(root.missing("command: /bin/api, user: \"postgres:ssl-cert\"").empty());
  CHECK(root.missing("command: api, user: \"1234:5678\"").empty());
}

TEST_CASE("a program must exist in the root and be an executable file", "[config]") {
  const Root root;
  CHECK(root.missing("command: /bin/apu") == Missing{"service 'a': cannot run /bin/apu: it does not exist"});
  CHECK(root.missing("command: /bin/notes") ==
        Missing{"service 'a': cannot run /bin/notes: it is not executable"});
  CHECK(root.missing("command: /bin") == Missing{"service 'a': cannot run /bin: it is not a file"});
  CHECK(root.missing("command: /bin/api, health: {exec: {command: /bin/ps}}") ==
        Missing{"service 'a' health: cannot run /bin/ps: it does not exist"});
}

TEST_CASE("links are followed inside the root", "[config]") {
  const Root root;
  root.add_program("usr/bin/real");
  root.link("bin/absolute", "/usr/bin/real");
  root.link("bin/relative", "../../../../usr/bin/real");
  root.link("bin/outside", "/bin/sh");
  root.link("bin/loop", "loop");
  CHECK(root.missing("command: /bin/absolute").empty());
  CHECK(root.missing("command: /bin/relative").empty());
  CHECK(root.missing("command: /bin/outside").size() == 1);
  CHECK(root.missing("command: /bin/loop").size() == 1);
}

TEST_CASE("a bare name is looked up in the PATH the service will have", "[config]") {
  const Root root;
  root.add_program("opt/tool/bin/tool");
  CHECK(root.missing("command: tool").size() == 1);
  CHECK(root.missing("command: tool, env: {PATH: \"/bin:/opt/tool/bin\"}").empty());
  CHECK(root.missing("command: api, env: {PATH: /usr/bin}") ==
        Missing{"service 'a': cannot run api: it is in no folder of PATH (/usr/bin)"});
}

TEST_CASE("users and groups must be known to the root", "[config]") {
  const Root root;
  CHECK(root.missing("command: api, user: \"www:web\"") ==
        Missing{"service 'a': no user 'www' in /etc/passwd", "service 'a': no group 'web' in /etc/group"});
  CHECK(root.missing("command: api, user: \"1:1\", groups: [\"7\", disk]") ==
        Missing{"service 'a': no group 'disk' in /etc/group"});
}

TEST_CASE("a schedule's time zone must exist in the root", "[config]") {
  const Root root;
  Model model = load_valid("exec: [{name: a, command: /bin/api}]");
  const auto missing_with = [&](const char* zone) {
    model.services[0].schedule = Schedule{.expression = "@daily", .timezone = zone};
    return root.missing(model);
  };
  CHECK(missing_with("UTC").empty());
  CHECK(missing_with("Europe/Berlin") ==
        std::vector<std::string>{"service 'a': no time zone 'Europe/Berlin' in /usr/share/zoneinfo; the "
                                 "package tzdata has them"});
}
