// The API's JSON: the shapes of docs/api.md, each written in one place. Bytes that are not UTF-8 become
// U+FFFD.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/control/guest.h"

namespace kestrel::control {

/// What a service has printed since the boot, and how much of that was lost before anybody had taken it.
struct LogCounts {
  std::uint64_t lines = 0;
  std::uint64_t dropped = 0;
};
[[nodiscard]] std::string service_json(const core::ServiceView& service, const std::optional<Usage>& usage,
                                       const LogCounts& logs);
/// `{"services": […]}` of what service_json() made.
[[nodiscard]] std::string services_json(std::span<const std::string> services);
[[nodiscard]] std::string health_json(const core::HealthView& health);
[[nodiscard]] std::string info_json(const InfoView& info, core::Phase phase);
[[nodiscard]] std::string timeline_json(std::span<const wire::BootStep> boot,
                                        std::span<const ServiceTimes> services);
/// `{"boot": […]}`.
[[nodiscard]] std::string boot_json(std::span<const wire::BootStep> boot);
/// What a command changed: `{"changed": [names]}`.
[[nodiscard]] std::string changed_json(std::span<const std::string> names);
/// A problem of status 409 that also names who stands in the way.
[[nodiscard]] std::string conflict_json(std::string_view detail, std::span<const std::string> dependents);

/// `{"plan": {…}, "digest"}`: what a reload does.
[[nodiscard]] std::string reload_json(const ReloadReport& report);
/// A problem of status 400 that names everything wrong with a configuration.
[[nodiscard]] std::string invalid_config_json(const config::Problems& problems);

/// An event's members beside type and service: pid, code, signal, oom, reason; `{}` for none.
[[nodiscard]] std::string event_data_json(const core::Notice& notice);
/// One line, without its newline; the event's data are members like all others.
[[nodiscard]] std::string event_json(const EventRecord& event);
[[nodiscard]] std::string log_json(const LogRecord& record, std::string_view source);
/// `{"gap": {"first", "last", "lines"?}}`.
[[nodiscard]] std::string gap_json(std::uint64_t first, std::uint64_t last,
                                   std::optional<std::uint64_t> lines = {});

/// The number in a signal request's body: `{"signal": "TERM"}`, a name with or without SIG, or a number.
[[nodiscard]] Result<int> parse_signal_request(std::string_view body);
/// The action in a power request's body: `{"action": "shutdown"}`.
[[nodiscard]] Result<core::PowerAction> parse_power_request(std::string_view body);

}  // namespace kestrel::control
