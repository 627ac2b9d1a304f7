// Where what outlives VMs is kept: images, volumes, the registry.
#pragma once

#include <string>

namespace kestrel::hostd {

/// $KESTREL_STATE_DIR, /var/lib/kestrel for root, $XDG_STATE_HOME/kestrel, else ~/.local/state/kestrel.
[[nodiscard]] std::string state_dir();

}  // namespace kestrel::hostd
