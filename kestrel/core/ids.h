// Identities in the supervisor. All are cheap integers; none is ever reused while a Supervisor lives.
#pragma once

#include <cstdint>
#include <variant>

#include "kestrel/base/strong.h"

namespace kestrel::core {

/// A service or job: its index in config::Model::services.
using ServiceId = Strong<struct ServiceIdTag, std::uint32_t>;
/// A health check: the guest's own come first, then each service's in the order of the model.
using CheckId = Strong<struct CheckIdTag, std::uint32_t>;
/// A top-level pre_start hook: its index in config::Model::hooks.pre_start.
using HookId = Strong<struct HookIdTag, std::uint32_t>;
/// One life of one process. An event of an earlier run can therefore never be taken for one of the current.
using RunId = Strong<struct RunIdTag, std::uint64_t>;
/// One run of one health check.
using ProbeId = Strong<struct ProbeIdTag, std::uint64_t>;

/// What a process is run for.
using Subject = std::variant<ServiceId, HookId>;

}  // namespace kestrel::core
