// Small files, read and written whole: what /proc, /sys, cgroup trees and /etc are made of.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::sys {

/// The whole content. A file that holds more than `limit` is an error (EFBIG); the size a file claims to have
/// is not trusted, as those of /proc claim none.
[[nodiscard]] Result<std::string> read_file(const std::string& path, Bytes limit = mebibytes(1));

/// Writes `text` into a file that exists, in one write(): what the files of /proc, /sys and cgroup trees
/// expect. Nothing is created or truncated.
[[nodiscard]] Result<void> write_file(const std::string& path, std::string_view text);

/// All of it, in as many writes as that takes.
[[nodiscard]] Result<void> write_all(int fd, std::string_view bytes);

}  // namespace kestrel::sys
