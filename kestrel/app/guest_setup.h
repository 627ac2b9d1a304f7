// What the configuration asks of the guest as a whole, beside its network (guest_network.h): modules and
// sysctl before that, mounts after it.
#pragma once

#include <string>
#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::app {

/// Loads the modules and sets the sysctls. What fails is logged: it can be lived with.
void prepare_kernel(const config::Model& model);

/// Adds what the host has given this VM to what its configuration says.
void add_devices(const wire::Welcome& welcome, config::Model& model);

/// Returns what failed: file systems that are not there, on which a service would write in vain or find
/// nothing. Takes at most some seconds, for devices that have yet to appear.
[[nodiscard]] std::vector<std::string> mount_all(const config::Model& model);

/// The keys in `model` that concern a whole guest, which nothing but guest mode acts on.
[[nodiscard]] std::vector<std::string> guest_wide_keys(const config::Model& model);

}  // namespace kestrel::app
