// The kernel's command line: how whoever started the machine talks to PID 1.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace kestrel::sys {

using KernelParameters = std::map<std::string, std::string, std::less<>>;

/// `key=value`, `key` alone (an empty value), `key="a value with spaces"` and `"key=value"`, separated by
/// white space, as the kernel reads it itself (lib/cmdline.c, next_arg). The last of several wins. `text` is
/// what /proc/cmdline holds.
[[nodiscard]] KernelParameters parse_kernel_command_line(std::string_view text);

/// All of them, in their order.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> list_kernel_parameters(std::string_view text);

}  // namespace kestrel::sys
