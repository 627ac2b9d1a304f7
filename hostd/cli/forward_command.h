// `kestrelctl vms forward`: ports of this host that lead into a running VM for as long as the command runs.
#pragma once

#include <string>
#include <vector>

namespace kestrel::hostd {

/// `ports` as for --publish. Ends with an interrupt, or with the VM.
[[nodiscard]] int forward_command(const std::string& name, const std::vector<std::string>& ports);

}  // namespace kestrel::hostd
