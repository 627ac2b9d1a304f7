// The VMs of this user, found by their runtime folders. A VM runs if somebody answers on its runner.sock.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::hostd {

[[nodiscard]] std::string vm_dir(std::string_view name);
[[nodiscard]] bool is_running(std::string_view name);
/// A VM of that name runs, or its logs are still there.
[[nodiscard]] bool is_known(std::string_view name);
/// Sorted.
[[nodiscard]] std::vector<std::string> known_vms();

/// The specs, as text, of those that have not ended, by name.
[[nodiscard]] std::map<std::string, std::string> running_specs();

}  // namespace kestrel::hostd
