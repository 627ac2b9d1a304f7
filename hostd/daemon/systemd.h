// What systemd and hostd have to say to each other, over environment variables (sd_listen_fds(3),
// sd_notify(3)). Without systemd none of it does anything.
#pragma once

#include <string_view>

#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// The listening socket of the unit's .socket; not open where there is none.
[[nodiscard]] sys::UniqueFd inherited_socket();

/// Such as `READY=1`.
void notify_systemd(std::string_view state);

}  // namespace kestrel::hostd
