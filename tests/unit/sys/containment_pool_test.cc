#include "kestrel/sys/containment_pool.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include "tests/unit/sys/temporary_folder.h"

namespace kestrel::sys {
namespace {

/// A pool over a folder that stands for the cgroup tree, with the leaf of "web" as the kernel would make it.
struct Pool {
  test::TemporaryFolder folder;
  CgroupRoot root;
  ContainmentPool pool;

  Pool() : root(open()), pool(&root) {}
  CgroupRoot open() {
    for (const char* name : {".", "services", "kestrel", "services/web", "services/db"}) {
      for (const char* file :
           {"cgroup.controllers", "cgroup.procs", "cgroup.subtree_control", "cgroup.events", "memory.events",
            "memory.max", "memory.oom.group", "pids.max"}) {
        folder.write(std::string(name) + "/" + file, "");
      }
    }
    return CgroupRoot::open(folder.path()).value();
  }
  /// The descriptor's file, which tells a leaf that was kept from one that was opened anew.
  static int leaf_of(const Containment& containment) { return containment.cgroup_fd(); }

  Containment used(const SharedLimits& limits = {}) {
    auto containment = pool.take("web", limits).value();
    REQUIRE(containment.set_limits(limits).empty());
    return containment;
  }
};

TEST_CASE("the leaf of a run that is over is the next run's", "[sys]") {
  Pool bench;
  auto first = bench.used();
  const int leaf = Pool::leaf_of(first);
  bench.pool.rest("web", std::move(first));
  CHECK_FALSE(bench.pool.is_empty());
  const auto second = bench.used();
  CHECK(Pool::leaf_of(second) == leaf);
  CHECK(bench.pool.is_empty());
}

TEST_CASE("a resting leaf is nobody's but its service's", "[sys]") {
  Pool bench;
  auto first = bench.used();
  const int leaf = Pool::leaf_of(first);
  bench.pool.rest("web", std::move(first));
  CHECK_FALSE(bench.pool.take("db", {}).value().cgroup_fd() == leaf);
  CHECK_FALSE(bench.pool.is_empty());
}

TEST_CASE("a leaf held to other limits is not renewed", "[sys]") {
  Pool bench;
  auto containment = bench.used({.memory = {}, .cpu = {}, .pids = 5});
  CHECK(containment.renew({.memory = {}, .cpu = {}, .pids = 5}));
  CHECK_FALSE(containment.renew({.memory = {}, .cpu = {}, .pids = 6}));
  CHECK_FALSE(containment.renew({}));
}

TEST_CASE("a leaf whose memory is limited is not renewed", "[sys]") {
  Pool bench;
  auto containment = bench.used({.memory = mebibytes(16), .cpu = {}, .pids = {}});
  CHECK_FALSE(containment.renew({.memory = mebibytes(16), .cpu = {}, .pids = {}}));
}

TEST_CASE("a leaf in which a run left cgroups of its own is not renewed", "[sys]") {
  Pool bench;
  auto containment = bench.used();
  bench.folder.write("services/web/nested/cgroup.procs", "");
  CHECK_FALSE(containment.renew({}));
}

TEST_CASE("what the OOM killer did to an earlier run is not told of the next", "[sys]") {
  Pool bench;
  bench.folder.write("services/web/memory.events", "oom_kill 2\n");
  auto first = bench.used();
  CHECK(first.oom_kills() == std::uint64_t{2});
  bench.pool.rest("web", std::move(first));
  const auto second = bench.used();
  CHECK(second.oom_kills() == std::uint64_t{0});
  bench.folder.write("services/web/memory.events", "oom_kill 3\n");
  CHECK(second.oom_kills() == std::uint64_t{1});
}

TEST_CASE("a containment by session does not rest", "[sys]") {
  ContainmentPool pool(nullptr);
  pool.rest("web", pool.take("web", {}).value());
  CHECK(pool.is_empty());
}

}  // namespace
}  // namespace kestrel::sys
