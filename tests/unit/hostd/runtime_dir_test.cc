#include "hostd/runner/runtime_dir.h"

#include <sys/stat.h>

#include <catch2/catch.hpp>
#include <cerrno>

#include "kestrel/sys/socket.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

TEST_CASE("a claimed folder is its owner's alone", "[hostd]") {
  const TemporaryFolder folder;
  const auto first = RuntimeDir::claim(folder.file("vms/site"));
  REQUIRE(first);
  struct stat status {};
  REQUIRE(::stat(first->path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  const auto second = RuntimeDir::claim(folder.file("vms/site"));
  REQUIRE_FALSE(second);
  CHECK(second.error().code == EBUSY);
  CHECK(RuntimeDir::claim(folder.file("vms/other")));
}

TEST_CASE("what a dead runner left is removed by the next, but for its log", "[hostd]") {
  const TemporaryFolder folder;
  {
    const auto dead = RuntimeDir::claim(folder.file("site"));
    REQUIRE(dead);
    folder.write("site/console.log", "old");
    folder.write("site/runner.log", "log");
  }
  const auto next = RuntimeDir::claim(folder.file("site"));
  REQUIRE(next);
  CHECK_FALSE(folder.has("site/console.log"));
  CHECK(folder.read("site/runner.log") == "log");
}

TEST_CASE("a folder is removed whole, or only its sockets are", "[hostd]") {
  const TemporaryFolder folder;
  auto dir = RuntimeDir::claim(folder.file("site"));
  REQUIRE(dir);
  folder.write("site/logs.ndjson", "{}");
  const auto socket = sys::listen_unix(dir->file(api_socket), 0600);
  REQUIRE(socket);
  dir->remove_sockets();
  CHECK_FALSE(folder.has("site/api.sock"));
  CHECK(folder.has("site/logs.ndjson"));
  dir->remove();
  CHECK_FALSE(folder.has("site"));
}

TEST_CASE("the folder of a VM that has ended can be removed, that of a running one cannot", "[hostd]") {
  const TemporaryFolder folder;
  {
    const auto running = RuntimeDir::claim(folder.file("site"));
    REQUIRE(running);
    CHECK(remove_ended(folder.file("site")).error().code == EBUSY);
    CHECK(wait_until_ended(folder.file("site"), milliseconds(10)).error().code == ETIMEDOUT);
  }
  CHECK(wait_until_ended(folder.file("site"), milliseconds(10)));
  CHECK(remove_ended(folder.file("site")));
  CHECK_FALSE(folder.has("site"));
  CHECK(wait_until_ended(folder.file("site"), milliseconds(10)));
}

TEST_CASE("what cannot be removed of a VM that has ended is told", "[hostd]") {
  const TemporaryFolder folder;
  REQUIRE(::mkdir(folder.file("site").c_str(), 0700) == 0);
  REQUIRE(::mkdir(folder.file("site/somebody-elses").c_str(), 0700) == 0);
  CHECK(remove_ended(folder.file("site")).error().code == ENOTEMPTY);
}

TEST_CASE("a folder whose sockets would have too long a path is refused in clear words", "[hostd]") {
  CHECK(check_socket_paths("/run/kestrel/vms/site"));
  const auto refused = check_socket_paths("/" + std::string(100, 'x'));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ENAMETOOLONG);
}
