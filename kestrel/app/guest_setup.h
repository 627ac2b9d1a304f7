// What the configuration asks of the guest as a whole: modules, sysctl, network and mounts, in that order.
#pragma once

#include <string>
#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/sys/kernel_command_line.h"

namespace kestrel::app {

/// To be called before the first service. What fails and can be lived with is logged. Returns what cannot: a
/// file system that is not there, on which a service would write in vain or find nothing. Takes at most some
/// seconds, for devices that have yet to appear.
[[nodiscard]] std::vector<std::string> set_up_guest(const config::Model& model,
                                                    const sys::KernelParameters& parameters);

/// The keys in `model` that concern a whole guest, which nothing but guest mode acts on.
[[nodiscard]] std::vector<std::string> guest_wide_keys(const config::Model& model);

}  // namespace kestrel::app
