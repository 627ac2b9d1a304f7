// One file as it is beneath its compression.
#pragma once

#include <string>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// The bytes of a file, decompressed where it is compressed by gzip, zstd, xz or bzip2. More than `limit` are
/// an error.
[[nodiscard]] Result<std::string> read_decompressed(const std::string& path, Bytes limit);

}  // namespace kestrel::hostd
