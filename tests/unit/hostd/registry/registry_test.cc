#include "hostd/registry/registry.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <random>

#include "kestrel/base/text.h"
#include "tests/unit/hostd/temporary_folder.h"

using namespace kestrel;
using namespace kestrel::hostd;

namespace {

constexpr std::int32_t our_id = 0x4b53544c;

struct Bench {
  [[nodiscard]] Registry open() const {
    auto opened = Registry::open(path);
    REQUIRE(opened);
    return std::move(*opened);
  }
  [[nodiscard]] std::string refusal() const {
    const auto opened = Registry::open(path);
    return opened ? "" : opened.error().message;
  }
  /// The file as SQLite alone sees it.
  [[nodiscard]] Database database() const {
    auto opened = Database::open(path, our_id);
    REQUIRE(opened);
    return std::move(*opened);
  }

  TemporaryFolder folder;
  std::string path = folder.file("registry.db");
};

VmRecord vm_called(const std::string& name) {
  VmRecord vm;
  vm.name = name;
  vm.request.image = "site";
  vm.spec.name = name;
  vm.spec.kernel = "/boot/vmlinuz";
  vm.replica = {"api", 3};
  vm.created = WallTime(milliseconds(1'700'000'000'123));
  vm.is_wanted = true;
  vm.run = {"ab12",
            17,
            Outcome{7, "it failed", {"because"}},
            WallTime(milliseconds(1)),
            WallTime(milliseconds(2)),
            42,
            123456789012};
  return vm;
}

Deployment deployment_called(const std::string& name) {
  Deployment deployment;
  deployment.name = name;
  deployment.replicas = 3;
  return deployment;
}

std::vector<std::uint64_t> seqs(Registry& registry, std::uint64_t after = 0, const EventFilter& filter = {},
                                std::size_t limit = 1'000'000) {
  std::vector<std::uint64_t> found;
  const auto events = registry.events(after, filter, limit);
  REQUIRE(events);
  for (const StoredEvent& event : *events) found.push_back(event.seq);
  return found;
}

using Seqs = std::vector<std::uint64_t>;

/// As many as it takes for the oldest to be given up.
void fill(Registry& registry, std::uint64_t count) {
  REQUIRE(registry.transact([&]() -> Result<void> {
    for (std::uint64_t i = 0; i < count; ++i) {
      if (const auto added = registry.append_event("web", "vm.ready", "\"event\":\"vm.ready\""); !added)
        return added.error();
    }
    return {};
  }));
}

}  // namespace

// --- what is remembered -----------------------------------------------------------------------------------

TEST_CASE("VMs and deployments are as they were after a restart", "[hostd]") {
  Bench bench;
  VmRecord fresh;
  fresh.name = "fresh";
  {
    Registry registry = bench.open();
    REQUIRE(registry.save(vm_called("web")));
    REQUIRE(registry.save(fresh));
    REQUIRE(registry.save(deployment_called("api")));
  }
  Registry registry = bench.open();
  CHECK(*registry.vms() == std::vector<VmRecord>{fresh, vm_called("web")});
  CHECK(*registry.deployments() == std::vector<Deployment>{deployment_called("api")});
}

TEST_CASE("what is saved again replaces what was there, and what is removed is gone", "[hostd]") {
  Bench bench;
  Registry registry = bench.open();
  VmRecord vm = vm_called("web");
  REQUIRE(registry.save(vm));
  vm.is_wanted = false;
  REQUIRE(registry.save(vm));
  CHECK(*registry.vms() == std::vector<VmRecord>{vm});
  REQUIRE(registry.remove_vm("web"));
  CHECK(registry.vms()->empty());
  REQUIRE(registry.save(deployment_called("api")));
  REQUIRE(registry.remove_deployment("api"));
  CHECK(registry.deployments()->empty());
}

TEST_CASE("the registry is for its owner alone", "[hostd]") {
  Bench bench;
  const Registry registry = bench.open();
  for (const char* name : {"registry.db", "registry.db-wal"}) {
    struct stat status {};
    REQUIRE(::stat(bench.folder.file(name).c_str(), &status) == 0);
    CHECK((status.st_mode & 0777) == 0600);
  }
}

TEST_CASE("a transaction that fails leaves nothing behind", "[hostd]") {
  Bench bench;
  Registry registry = bench.open();
  const auto done = registry.transact([&]() -> Result<void> {
    REQUIRE(registry.append_event("web", "vm.created", ""));
    REQUIRE(registry.save(vm_called("web")));
    return Error{"no"};
  });
  CHECK(done.error().message == "no");
  CHECK(registry.vms()->empty());
  CHECK(seqs(registry).empty());
}

// --- events -----------------------------------------------------------------------------------------------

TEST_CASE("events are numbered from 1 and listed behind a number, so many at most", "[hostd]") {
  Bench bench;
  Registry registry = bench.open();
  CHECK(registry.event_range()->first == 0);
  CHECK(registry.event_range()->last == 0);
  for (int i = 0; i < 4; ++i) REQUIRE(registry.append_event("web", "vm.ready", "\"event\":\"vm.ready\""));
  CHECK(seqs(registry) == Seqs{1, 2, 3, 4});
  CHECK(seqs(registry, 1, {}, 2) == Seqs{2, 3});
  CHECK(registry.events(3, {}, 1)->front().json == R"({"seq":4,"event":"vm.ready"})");
  CHECK(registry.event_range()->first == 1);
  CHECK(registry.event_range()->last == 4);
}

TEST_CASE("a reader gets the events of its VM and its kind", "[hostd]") {
  Bench bench;
  Registry registry = bench.open();
  REQUIRE(registry.append_event("web", "vm.ready", ""));
  REQUIRE(registry.append_event("db", "vm.ready", ""));
  REQUIRE(registry.append_event("web", "service.ready", ""));
  REQUIRE(registry.append_event("", "deployment.created", ""));
  CHECK(seqs(registry, 0, {"web", ""}) == Seqs{1, 3});
  CHECK(seqs(registry, 0, {"", "vm."}) == Seqs{1, 2});
  CHECK(seqs(registry, 0, {"web", "vm."}) == Seqs{1});
  CHECK(seqs(registry, 0, {"' OR 1=1 --", ""}).empty());
}

TEST_CASE("the oldest events are given up, and their numbers are never used again", "[hostd]") {
  Bench bench;
  {
    Registry registry = bench.open();
    fill(registry, Registry::kept_events + Registry::kept_events / 100);
    CHECK(registry.event_range()->first == Registry::kept_events / 100 + 1);
    CHECK(seqs(registry).size() == Registry::kept_events);
  }
  REQUIRE(bench.database().execute("DELETE FROM events"));
  Registry registry = bench.open();
  CHECK(*registry.append_event("web", "vm.ready", "") ==
        Registry::kept_events + Registry::kept_events / 100 + 1);
}

// --- files that cannot be used ----------------------------------------------------------------------------

TEST_CASE("a registry of a newer hostd is refused and left as it is", "[hostd]") {
  Bench bench;
  static_cast<void>(bench.open());
  REQUIRE(bench.database().execute("PRAGMA user_version=99"));
  CHECK(bench.refusal().find("it is of version 99") != std::string::npos);
  CHECK(*bench.database().schema_version() == 99);
}

TEST_CASE("a file that is no database is refused and left as it is", "[hostd]") {
  Bench bench;
  const std::string text = "# not a registry\n" + std::string(8192, 'x');
  bench.folder.write("registry.db", text);
  REQUIRE(::chmod(bench.path.c_str(), 0644) == 0);
  CHECK(bench.refusal().find("file is not a database") != std::string::npos);
  CHECK(bench.folder.read("registry.db") == text);
  struct stat status {};
  REQUIRE(::stat(bench.path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0644);
}

TEST_CASE("a database of some other program is refused and left as it is", "[hostd]") {
  Bench bench;
  {
    auto other = Database::open(bench.path, 7);
    REQUIRE(other);
    REQUIRE(other->execute("CREATE TABLE vms (name TEXT)"));
  }
  const std::string before = bench.folder.read("registry.db");
  CHECK(bench.refusal().find("it is a database of some other program") != std::string::npos);
  CHECK(bench.folder.read("registry.db") == before);
}

TEST_CASE("a damaged registry is refused and left as it is", "[hostd]") {
  Bench bench;
  {
    Registry registry = bench.open();
    fill(registry, 2000);
  }
  std::string damaged = bench.folder.read("registry.db");
  REQUIRE(damaged.size() > 40'000);
  damaged.replace(20'000, 8192, 8192, '\xa5');
  bench.folder.write("registry.db", damaged);
  const auto opened = Registry::open(bench.path);
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.find("damaged") != std::string::npos);
  CHECK(opened.error().code == EIO);
  CHECK(bench.folder.read("registry.db") == damaged);
}

TEST_CASE("a registry that was cut off is refused", "[hostd]") {
  Bench bench;
  {
    Registry registry = bench.open();
    fill(registry, 2000);
  }
  std::filesystem::resize_file(bench.path, std::filesystem::file_size(bench.path) / 2);
  CHECK_FALSE(bench.refusal().empty());
}

TEST_CASE("a record that makes no sense is an error, not a VM that is gone", "[hostd]") {
  Bench bench;
  Registry registry = bench.open();
  for (const char* record : {"no JSON", "[]", R"({"request":{"memroy":"1G"}})", R"({"wanted":"yes"})",
                             R"({"run":7})", R"({"run":{"seen":"x"}})", R"({"replica":[]})"}) {
    INFO(record);
    REQUIRE(bench.database().execute(concat("INSERT OR REPLACE INTO vms VALUES ('web', '", record, "')")));
    CHECK_FALSE(registry.vms());
  }
  for (const char* record : {"no JSON", "[]", R"({"name":7})", R"({"name":"api","rollout":7})",
                             R"({"name":"api","target":[]})", R"({"name":"api","target":{"number":"x"}})"}) {
    INFO(record);
    REQUIRE(bench.database().execute(
        concat("INSERT OR REPLACE INTO deployments VALUES ('api', '", record, "')")));
    CHECK_FALSE(registry.deployments());
  }
}

TEST_CASE("a registry where none can be made is an error with its path", "[hostd]") {
  const auto opened = Registry::open("/proc/self/registry.db");
  REQUIRE_FALSE(opened);
  CHECK(opened.error().message.starts_with("cannot open registry /proc/self/registry.db: "));
}

// --- the disk ---------------------------------------------------------------------------------------------

TEST_CASE("on a full disk nothing is lost and nothing half done, and it goes on when there is room",
          "[hostd]") {
  Bench bench;
  Database database = bench.database();
  REQUIRE(database.execute("CREATE TABLE pairs (one TEXT, other TEXT); PRAGMA max_page_count=20"));
  const std::string text(3000, 'x');
  const auto add_pair = [&] {
    return database.transact([&]() -> Result<void> {
      for (int i = 0; i < 2; ++i) {
        const auto added =
            database.prepare("INSERT INTO pairs VALUES (?, ?)").bind(text).bind(std::int64_t{i}).run();
        if (!added) return added;
      }
      return {};
    });
  };
  std::int64_t whole = 0;
  Result<void> added;
  while ((added = add_pair())) ++whole;
  CHECK(added.error().code == ENOSPC);
  CHECK(whole > 0);
  const auto count = [&] {
    std::int64_t rows = 0;
    REQUIRE(database.prepare("SELECT count(*) FROM pairs").each([&](const Row& row) {
      rows = row.number(0);
      return false;
    }));
    return rows;
  };
  CHECK(count() == 2 * whole);
  CHECK(add_pair().error().code == ENOSPC);
  REQUIRE(database.execute("PRAGMA max_page_count=1000"));
  CHECK(add_pair());
  CHECK(count() == 2 * whole + 2);
}

// --- kill -9 ----------------------------------------------------------------------------------------------

namespace {

/// What a hostd does, until it is killed: an event and the note that it was taken, together; the number of
/// what is committed goes to `progress`.
[[noreturn]] void write_for_ever(const std::string& path, int progress) {
  auto registry = Registry::open(path);
  while (registry) {
    std::uint64_t seq = 0;
    const auto done = registry->transact([&]() -> Result<void> {
      const auto appended = registry->append_event("web", "vm.ready", "\"event\":\"vm.ready\"");
      if (!appended) return appended.error();
      VmRecord vm = vm_called("web");
      vm.run.seen = seq = *appended;
      return registry->save(vm);
    });
    if (!done || ::write(progress, &seq, sizeof seq) != static_cast<ssize_t>(sizeof seq)) break;
  }
  ::_exit(1);
}

}  // namespace

TEST_CASE("a hostd that is killed at any moment loses nothing that it had committed", "[hostd]") {
  Bench bench;
  std::mt19937 random(20'26);
  std::uint64_t before = 0;
  for (int round = 0; round < 30; ++round) {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) write_for_ever(bench.path, ends[1]);
    ::close(ends[1]);
    // So many commits, and then a moment in the middle of the next.
    std::uint64_t committed = 0;
    std::uint64_t seq = 0;
    const unsigned commits = 1 + random() % 4;
    for (unsigned i = 0; i<commits&& ::read(ends[0], &seq, sizeof seq)> 0; ++i) committed = seq;
    ::usleep(random() % 2000);
    ::kill(child, SIGKILL);
    while (::read(ends[0], &seq, sizeof seq) == static_cast<ssize_t>(sizeof seq)) committed = seq;
    ::close(ends[0]);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));

    Registry registry = bench.open();
    const auto range = registry.event_range();
    REQUIRE(range);
    CHECK(committed > before);
    CHECK(range->last >= committed);
    CHECK(seqs(registry).size() == range->last);
    CHECK(registry.vms()->front().run.seen == range->last);
    before = range->last;
  }
}
