// Shows what the services print on Kestrel's own standard error, beside its log: `[api] line`, or JSON.
#pragma once

#include <functional>
#include <string_view>

#include "kestrel/app/console.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/sys/log_output.h"

namespace kestrel::app {

/// `console` and `ring` must outlive it.
[[nodiscard]] std::function<void(control::LogSource, control::LogStream, std::string_view line)> make_echo(
    Console& console, const control::LogRing& ring, sys::LogFormat format);

}  // namespace kestrel::app
