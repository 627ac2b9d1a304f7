#include "hostd/registry/registry.h"

#include <array>
#include <nlohmann/json.hpp>

#include "hostd/vm_outcome.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// `KSTL`, so that file(1) and we can tell whose file it is.
constexpr std::int32_t application_id = 0x4b53544c;

/// What brings a registry from one version to the next. Never changed, only added to.
constexpr std::array migrations = {
    "CREATE TABLE vms (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE deployments (name TEXT PRIMARY KEY, record TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events (seq INTEGER PRIMARY KEY AUTOINCREMENT, vm TEXT NOT NULL, event TEXT NOT NULL,"
    " members TEXT NOT NULL);",
};

json time_to_json(const std::optional<WallTime>& time) {
  return time ? json(format_time(*time)) : json(nullptr);
}

std::optional<WallTime> read_time(const json& object, const char* name) {
  const auto member = object.find(name);
  return member != object.end() && member->is_string() ? parse_time(member->get<std::string>())
                                                       : std::nullopt;
}

std::string to_text(const VmRecord& vm) {
  const RunRecord& run = vm.run;
  json document = {{"request", json::parse(to_json(vm.request))},
                   {"spec", json::parse(to_json(vm.spec))},
                   {"created", format_time(vm.created)},
                   {"wanted", vm.is_wanted},
                   {"run",
                    {{"runtime_id", run.runtime_id},
                     {"seen", run.seen},
                     {"runner_pid", run.runner_pid},
                     {"runner_start_ticks", run.runner_start_ticks},
                     {"started", time_to_json(run.started)},
                     {"ended", time_to_json(run.ended)}}}};
  if (run.outcome) document["run"]["outcome"] = json::parse(to_json(*run.outcome));
  if (!vm.replica.deployment.empty())
    document["replica"] = {{"deployment", vm.replica.deployment}, {"revision", vm.replica.revision}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Throws where a member is of another type.
Result<VmRecord> read_vm_members(const std::string& name, const json& document) {
  auto request = parse_vm_request(document.value("request", json::object()).dump());
  if (!request) return request.error();
  auto spec = parse_vm_spec(document.value("spec", json::object()).dump());
  if (!spec) return spec.error();
  VmRecord vm;
  vm.name = name;
  vm.request = std::move(*request);
  vm.spec = std::move(*spec);
  vm.created = read_time(document, "created").value_or(WallTime{});
  vm.is_wanted = document.value("wanted", false);
  const json run = document.value("run", json::object());
  vm.run.runtime_id = run.value("runtime_id", "");
  vm.run.seen = run.value("seen", std::uint64_t{0});
  vm.run.runner_pid = run.value("runner_pid", 0);
  vm.run.runner_start_ticks = run.value("runner_start_ticks", std::uint64_t{0});
  vm.run.started = read_time(run, "started");
  vm.run.ended = read_time(run, "ended");
  if (run.contains("outcome")) {
    auto outcome = parse_outcome(run["outcome"].dump());
    if (!outcome) return outcome.error();
    vm.run.outcome = std::move(*outcome);
  }
  if (const auto replica = document.find("replica"); replica != document.end())
    vm.replica = {replica->value("deployment", ""), replica->value("revision", 0U)};
  return vm;
}

Result<VmRecord> read_vm(const std::string& name, const std::string& text) {
  try {
    return read_vm_members(name, json::parse(text));
  } catch (const json::exception& problem) {
    return Error{concat("cannot read VM ", name, " in the registry: ", problem.what())};
  }
}

}  // namespace

std::string registry_path(std::string_view state_dir) { return concat(state_dir, "/registry.db"); }

Result<Registry> Registry::open(const std::string& path) {
  auto database = Database::open(path, application_id);
  if (!database) return database.error();
  Registry registry(std::move(*database));
  if (const auto migrated = registry.migrate(path); !migrated) return migrated.error();
  return registry;
}

Result<void> Registry::migrate(const std::string& path) {
  const auto version = database_.schema_version();
  if (!version) return version.error();
  if (*version > static_cast<std::int64_t>(migrations.size())) {
    return Error{concat("cannot open registry ", path, ": it is of version ", *version,
                        ", and this hostd knows none above ", migrations.size(), ": install a newer one")};
  }
  for (auto next = static_cast<std::size_t>(*version); next < migrations.size(); ++next) {
    const auto done = database_.transact(
        [&] { return database_.execute(concat(migrations[next], "PRAGMA user_version=", next + 1)); });
    if (!done) return done;
  }
  return {};
}

// --- VMs --------------------------------------------------------------------------------------------------

Result<std::vector<VmRecord>> Registry::vms() {
  std::vector<VmRecord> found;
  std::optional<Error> problem;
  const auto read = database_.prepare("SELECT name, record FROM vms ORDER BY name").each([&](const Row& row) {
    auto vm = read_vm(row.text(0), row.text(1));
    if (vm) found.push_back(std::move(*vm));
    if (!vm) problem = vm.error();
    return !problem;
  });
  if (!read) return read.error();
  if (problem) return *problem;
  return found;
}

Result<void> Registry::save(const VmRecord& vm) {
  return database_.prepare("INSERT OR REPLACE INTO vms (name, record) VALUES (?, ?)")
      .bind(vm.name)
      .bind(to_text(vm))
      .run();
}

Result<void> Registry::remove_vm(std::string_view name) {
  return database_.prepare("DELETE FROM vms WHERE name = ?").bind(name).run();
}

// --- deployments ------------------------------------------------------------------------------------------

Result<std::vector<Deployment>> Registry::deployments() {
  std::vector<Deployment> found;
  std::optional<Error> problem;
  const auto read =
      database_.prepare("SELECT record FROM deployments ORDER BY name").each([&](const Row& row) {
        auto deployment = parse_deployment(row.text(0));
        if (deployment) found.push_back(std::move(*deployment));
        if (!deployment) problem = deployment.error();
        return !problem;
      });
  if (!read) return read.error();
  if (problem) return *problem;
  return found;
}

Result<void> Registry::save(const Deployment& deployment) {
  return database_.prepare("INSERT OR REPLACE INTO deployments (name, record) VALUES (?, ?)")
      .bind(deployment.name)
      .bind(to_json(deployment))
      .run();
}

Result<void> Registry::remove_deployment(std::string_view name) {
  return database_.prepare("DELETE FROM deployments WHERE name = ?").bind(name).run();
}

// --- events -----------------------------------------------------------------------------------------------

Result<void> Registry::commit(std::string_view vm, const FleetEvent& event,
                              const std::function<Result<void>()>& change) {
  return transact([&]() -> Result<void> {
    const auto appended = append_event(vm, event.name, event.members);
    return appended ? change() : appended.error();
  });
}

Result<std::uint64_t> Registry::append_event(std::string_view vm, std::string_view name,
                                             std::string_view members) {
  std::uint64_t seq = 0;
  const auto added =
      database_.prepare("INSERT INTO events (vm, event, members) VALUES (?, ?, ?) RETURNING seq")
          .bind(vm)
          .bind(name)
          .bind(members)
          .each([&](const Row& row) {
            seq = static_cast<std::uint64_t>(row.number(0));
            return true;
          });
  if (!added) return added.error();
  constexpr std::uint64_t step = kept_events / 100;
  if (seq > kept_events && seq % step == 0) {
    const auto pruned = database_.prepare("DELETE FROM events WHERE seq <= ?")
                            .bind(static_cast<std::int64_t>(seq - kept_events))
                            .run();
    if (!pruned) return pruned.error();
  }
  return seq;
}

Result<std::vector<StoredEvent>> Registry::events(std::uint64_t after, const EventFilter& filter,
                                                  std::size_t limit) {
  std::vector<StoredEvent> found;
  const auto read = database_
                        .prepare(
                            "SELECT seq, members FROM events WHERE seq > ?1 AND (?2 = '' OR vm = ?2)"
                            " AND substr(event, 1, length(?3)) = ?3 ORDER BY seq LIMIT ?4")
                        .bind(static_cast<std::int64_t>(after))
                        .bind(filter.vm)
                        .bind(filter.prefix)
                        .bind(static_cast<std::int64_t>(limit))
                        .each([&](const Row& row) {
                          const auto seq = static_cast<std::uint64_t>(row.number(0));
                          found.push_back({seq, concat("{\"seq\":", seq, ',', row.text(1), '}')});
                          return true;
                        });
  if (!read) return read.error();
  return found;
}

Result<Registry::EventRange> Registry::event_range() {
  EventRange range;
  const auto read = database_
                        .prepare(
                            "SELECT ifnull(min(seq), 0),"
                            " ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0)"
                            " FROM events")
                        .each([&](const Row& row) {
                          range.first = static_cast<std::uint64_t>(row.number(0));
                          range.last = static_cast<std::uint64_t>(row.number(1));
                          return false;
                        });
  if (!read) return read.error();
  return range;
}

}  // namespace kestrel::hostd
