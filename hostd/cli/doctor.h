// `kestrelctl doctor`: what this machine has of what VMs need, and how to get the rest.
#pragma once

namespace kestrel::hostd {

/// 0 if VMs can be run, 1 if something they need is missing.
[[nodiscard]] int doctor_command();

}  // namespace kestrel::hostd
