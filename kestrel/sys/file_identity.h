// Whether a name still means the file that was opened by it.
#pragma once

#include <string>

namespace kestrel::sys {

/// False where somebody has removed or replaced it: a lock on `fd` then keeps nobody away who comes by the
/// name.
[[nodiscard]] bool is_file_at(int fd, const std::string& path);

}  // namespace kestrel::sys
