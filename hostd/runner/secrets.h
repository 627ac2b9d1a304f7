// Random numbers nobody can guess, from the kernel.
#pragma once

#include <cstddef>
#include <string>

namespace kestrel::hostd {

/// `bytes` random bytes in hexadecimal.
[[nodiscard]] std::string random_hex(std::size_t bytes);

}  // namespace kestrel::hostd
