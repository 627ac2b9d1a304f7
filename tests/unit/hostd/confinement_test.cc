#include "hostd/vmm/confinement.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>

#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

std::string content_of(int fd) {
  char buffer[16] = {};
  const ssize_t count = ::pread(fd, buffer, sizeof buffer, 0);
  return {buffer, static_cast<std::size_t>(count > 0 ? count : 0)};
}

mode_t mode_of(int fd) {
  struct stat status {};
  REQUIRE(::fstat(fd, &status) == 0);
  return status.st_mode & 0777;
}

}  // namespace

TEST_CASE("a user's number counts only where its namespace has it", "[hostd]") {
  CHECK(is_mapped("         0          0 4294967295\n", first_vmm_user));
  CHECK_FALSE(is_mapped("0 100000 65536\n", first_vmm_user));
  CHECK(is_mapped("0 1000 1\n1 100000 65536\n", 65536));
  CHECK_FALSE(is_mapped("0 1000 1\n1 100000 65536\n", 65537));
  CHECK_FALSE(is_mapped("", 0));
}

TEST_CASE("what not everybody may read is given to QEMU as a copy, and else as it is", "[hostd]") {
  const TemporaryFolder folder;
  const std::string path = folder.write("vmlinux", "kernel");
  REQUIRE(::chmod(path.c_str(), 0600) == 0);
  const auto copy = open_for_all(path);
  REQUIRE(copy);
  CHECK(content_of(copy->get()) == "kernel");
  CHECK((mode_of(copy->get()) & S_IROTH) != 0);

  REQUIRE(::chmod(path.c_str(), 0644) == 0);
  const auto itself = open_for_all(path);
  REQUIRE(itself);
  CHECK(mode_of(itself->get()) == 0644);
  CHECK(open_for_all(folder.file("none")).error().message ==
        "cannot open " + folder.file("none") + ": No such file or directory");
}

TEST_CASE("QEMU can gain no rights, dumps no core, and is first to go where memory runs out", "[hostd]") {
  sys::ProcessSpec process;
  REQUIRE(confine(process, false));
  CHECK(process.has_no_new_privileges);
  CHECK(process.limits.core == Bytes{});
  CHECK(process.limits.oom_score_adj == 300);
  CHECK(process.limits.open_files == 4096U);
}

TEST_CASE("a user for QEMU that does not exist is an error", "[hostd]") {
  if (::geteuid() != 0) return;
  ::setenv("KESTREL_VMM_USER", "no-such-user", 1);
  sys::ProcessSpec process;
  const auto confined = confine(process, false);
  ::unsetenv("KESTREL_VMM_USER");
  REQUIRE_FALSE(confined);
  CHECK(confined.error().message.starts_with("cannot use KESTREL_VMM_USER: "));
}
