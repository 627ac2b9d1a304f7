// `kestrel check FILE [--root DIR] [--json]`: what boot would say about a configuration, without booting.
#pragma once

#include <optional>
#include <string>

namespace kestrel::app {

/// One line a problem on stderr, or a summary on stdout; with `json` one object {file, ok, problems: [{line,
/// column, message}]} on stdout. With `root` also what that root filesystem lacks. Returns the exit status: 0
/// if all is well, else 1.
[[nodiscard]] int run_check(const std::string& file, const std::optional<std::string>& root, bool json);

}  // namespace kestrel::app
