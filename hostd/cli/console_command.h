// `kestrelctl vms console`: what a guest's kernel and firmware print.
#pragma once

#include <string>

namespace kestrel::hostd {

struct ConsoleOptions {
  std::string name;
  bool follows = false;
};
/// Also of a VM that has ended. With `follows` it goes on until the VM has.
[[nodiscard]] int console_command(const ConsoleOptions& options);

}  // namespace kestrel::hostd
