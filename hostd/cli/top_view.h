// What the services of VMs use, from one look at them to the next. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/table.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// A service at one moment.
struct ServiceLoad {
  std::string name;
  std::string state;
  std::string health;
  std::uint64_t restarts = 0;
  std::optional<std::uint64_t> memory_bytes;
  std::optional<std::uint64_t> cpu_ms;  ///< of its current run
};
/// Of the guest's GET /v1/services.
[[nodiscard]] Result<std::vector<ServiceLoad>> parse_loads(std::string_view json);

/// A VM at one moment.
struct VmLoad {
  std::string name;
  MonotonicTime at{};
  std::string problem;  ///< why there is nothing else; empty where there is
  std::vector<ServiceLoad> services;
};
/// The VMs that run.
using LoadPicture = std::vector<VmLoad>;

/// A row for each service, the busiest first, and at most `rows` lines in all; a VM that does not answer has
/// one that says why.
[[nodiscard]] std::string top_table(const LoadPicture& before, const LoadPicture& now, Table::Colours colours,
                                    std::optional<std::size_t> rows = {});
/// `{"vms": [{"name", "problem", "services": [{"name", "state", "health", "restarts", "memory_bytes",
/// "cpu_ms", "cpu_percent"}]}]}`, in the order of the picture.
[[nodiscard]] std::string top_json(const LoadPicture& before, const LoadPicture& now);

/// Of one processor, between the two looks; nullopt where either is missing.
[[nodiscard]] std::optional<double> cpu_percent(const LoadPicture& before, const VmLoad& vm,
                                                const ServiceLoad& service);

}  // namespace kestrel::hostd
