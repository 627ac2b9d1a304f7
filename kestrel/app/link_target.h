// Where the host is: the value of `kestrel.link`.
#pragma once

#include <string_view>

#include "kestrel/app/link.h"
#include "kestrel/base/result.h"

namespace kestrel::app {

/// `vsock:CID:PORT` (port 1024 if it is left out), or `unix:PATH`.
[[nodiscard]] Result<Link::Dial> parse_link_target(std::string_view text);

}  // namespace kestrel::app
