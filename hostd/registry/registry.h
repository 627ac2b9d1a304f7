// What hostd remembers across its own end: VMs, deployments, and events. One SQLite file in the state folder.
//
// The schema has a version (PRAGMA user_version); an older file is brought forward step by step, a newer one
// is refused. Everything that has to be true together is written in one transact().
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/fleet/deployment.h"
#include "hostd/fleet/fleet_event.h"
#include "hostd/fleet/vm_record.h"
#include "hostd/registry/database.h"

namespace kestrel::hostd {

/// Which events a reader wants.
struct EventFilter {
  std::string vm;      ///< empty: every VM's
  std::string prefix;  ///< of their names, such as `vm.`; empty: all
};

struct StoredEvent {
  std::uint64_t seq = 0;
  std::string json;  ///< a whole object, `seq` included
};

/// Where the registry is in a state folder.
[[nodiscard]] std::string registry_path(std::string_view state_dir);

class Registry {
 public:
  /// Creates the file where there is none.
  [[nodiscard]] static Result<Registry> open(const std::string& path);

  [[nodiscard]] Result<std::vector<VmRecord>> vms();
  [[nodiscard]] Result<void> save(const VmRecord& vm);
  [[nodiscard]] Result<void> remove_vm(std::string_view name);

  [[nodiscard]] Result<std::vector<Deployment>> deployments();
  [[nodiscard]] Result<void> save(const Deployment& deployment);
  [[nodiscard]] Result<void> remove_deployment(std::string_view name);

  /// `members` is an object's members without its braces: `"event":"vm.started",…`. The number is one that
  /// was never given before, also after a restart.
  [[nodiscard]] Result<std::uint64_t> append_event(std::string_view vm, std::string_view name,
                                                   std::string_view members);
  /// At most `limit` of them, behind the one numbered `after`.
  [[nodiscard]] Result<std::vector<StoredEvent>> events(std::uint64_t after, const EventFilter& filter,
                                                        std::size_t limit);
  /// The bounds of what is kept; both 0 where there never was one.
  struct EventRange {
    std::uint64_t first = 0;
    std::uint64_t last = 0;
  };
  [[nodiscard]] Result<EventRange> event_range();

  /// A change, and the event that tells of it. `vm` is empty where it is about none.
  [[nodiscard]] Result<void> commit(std::string_view vm, const FleetEvent& event,
                                    const std::function<Result<void>()>& change);
  [[nodiscard]] Result<void> transact(const std::function<Result<void>()>& work) {
    return database_.transact(work);
  }

  /// So many events are kept at least; the oldest go in steps of a hundredth.
  static constexpr std::uint64_t kept_events = 100'000;

 private:
  explicit Registry(Database database) : database_(std::move(database)) {}
  [[nodiscard]] Result<void> migrate(const std::string& path);

  Database database_;
};

}  // namespace kestrel::hostd
