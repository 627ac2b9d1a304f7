// `kestrelctl cp`: files and trees, from here into a guest and back.
//
// Both ways it is a tar archive that is packed on one side while it is unpacked on the other (kestrel/wire/
// tree_packer.h, tree_unpacker.h), so neither side holds more than a piece of it. What comes out of a guest
// is not trusted: it stays below the destination, and only what was asked for is taken.
#pragma once

#include <string>

namespace kestrel::hostd {

struct CopyOptions {
  std::string source;
  std::string destination;
  bool keeps_owners = false;  ///< and setuid bits out of a guest
  bool follows_link = false;  ///< a source that is a symlink stands for what it points to
  bool takes_devices = false;
  bool is_quiet = false;
};

/// 0; 1 where not everything was copied; 64 where the two sides make no sense; 125 where the VM cannot be
/// asked; 128 + its number after a signal.
[[nodiscard]] int copy_command(const CopyOptions& options);

}  // namespace kestrel::hostd
