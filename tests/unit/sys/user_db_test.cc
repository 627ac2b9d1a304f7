#include "kestrel/sys/user_db.h"

#include <catch2/catch.hpp>

#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

struct Root {
  test::TemporaryFolder folder;
  Root() {
    folder.write("etc/passwd",
                 "root:x:0:0:root:/root:/bin/bash\n"
                 "# a comment\n"
                 "broken:x:12\n"
                 "overflow:x:4294967295:7::/:/bin/sh\n"
                 "postgres:x:70:71:Database,,,:/var/lib/postgresql:/bin/sh\n"
                 "1234:x:99:98::/nine:/bin/false\n"
                 "twin:x:70:5::/twin:/bin/sh\n");
    folder.write("etc/group",
                 "root:x:0:\n"
                 "postgres:x:71:\n"
                 "ssl-cert:x:104:postgres,other\n"
                 "backup:x:34:other,postgres\n"
                 "again:x:34:postgres\n"
                 "own:x:71:postgres\n"
                 "postgresql:x:72:postgres2\n"
                 "bad:x:many:postgres\n");
  }
  [[nodiscard]] Result<Account> find(const char* user, std::optional<std::string> group = {}) const {
    return find_account(folder.path(), user, group);
  }
};

TEST_CASE("a user is found by name, with the groups that list it", "[sys]") {
  Root root;
  CHECK(root.find("postgres").value() ==
        Account{"postgres", 70, 71, {104, 34}, "/var/lib/postgresql", "/bin/sh"});
}

TEST_CASE("a user is found by number, the first of that number", "[sys]") {
  Root root;
  CHECK(root.find("70").value().name == "postgres");
  CHECK(root.find("0").value().home == "/root");
}

TEST_CASE("a name of digits is a name first", "[sys]") {
  Root root;
  CHECK(root.find("1234").value().uid == 99);
}

TEST_CASE("a group that is given replaces the user's own, by name or number", "[sys]") {
  Root root;
  CHECK(root.find("postgres", "ssl-cert").value().gid == 104);
  CHECK(root.find("postgres", "ssl-cert").value().groups == std::vector<std::uint32_t>{34, 71});
  CHECK(root.find("postgres", "4000").value().gid == 4000);
  CHECK(root.find("postgres", "none").error().message == "cannot find group none: not in /etc/group");
}

TEST_CASE("a number without an entry needs a group", "[sys]") {
  Root root;
  CHECK(root.find("5000").error().message ==
        "cannot find the group of user 5000: not in /etc/passwd, name one as 5000:GROUP");
  CHECK(root.find("5000", "60").value() == Account{"5000", 5000, 60, {}, "", ""});
}

TEST_CASE("what stands for no id in system calls is no user and no group", "[sys]") {
  Root root;
  for (const char* user : {"overflow", "4294967295", "-1", "", "broken", "99999999999999999999"}) {
    CHECK_FALSE(root.find(user, "0"));
  }
  CHECK_FALSE(find_group(root.folder.path(), "4294967295"));
  CHECK_FALSE(find_group(root.folder.path(), "bad"));
}

TEST_CASE("a root without the files knows numbers only", "[sys]") {
  test::TemporaryFolder empty;
  CHECK(find_account(empty.path(), "root", std::nullopt).error().message ==
        "cannot find user root: not in /etc/passwd");
  CHECK(find_account(empty.path(), "0", "0"));
  CHECK(find_group(empty.path(), "12").value() == 12);
}

TEST_CASE("the running system's root is found", "[sys]") {
  CHECK(find_account("/", "root", std::nullopt).value().uid == 0);
}

}  // namespace
}  // namespace kestrel::sys
