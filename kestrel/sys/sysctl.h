// Kernel parameters: the files of /proc/sys by their dotted names.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::sys {

/// Where `name` is below /proc/sys. Dots become slashes and, so that names with dots of their own can be
/// told, slashes dots: `net.ipv4.conf.eth0/100.forwarding`. A name whose first separator is a slash is a path
/// already. (sysctl.d(5)) An error for one that would lead elsewhere.
[[nodiscard]] Result<std::string> sysctl_path(std::string_view name);

/// `proc_sys` is a folder, normally /proc/sys.
[[nodiscard]] Result<void> set_sysctl(const std::string& proc_sys, std::string_view name,
                                      std::string_view value);

}  // namespace kestrel::sys
