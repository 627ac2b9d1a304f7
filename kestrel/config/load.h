// The whole way from a file to a Model, as boot, `kestrel check` and the tests take it.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/config/problem.h"

namespace kestrel::config {

/// A model, or everything that is wrong, ordered by position.
using Loaded = std::variant<Model, std::vector<Problem>>;

/// `text` is YAML 1.2. Bounded: at most 1 MiB of text, 64 levels of nesting, 100,000 nodes after aliases.
[[nodiscard]] Loaded load(std::string_view text);

/// Reads the file first; one that cannot be read is a Problem at 0:0.
[[nodiscard]] Loaded load_file(const std::string& path);

/// What a root filesystem lacks for `model` to run there: programs that do not exist or cannot be executed,
/// users that are not in its /etc/passwd, time zones without a file. `root` is a folder, "/" for the running
/// system. Used by `kestrel check --root`.
[[nodiscard]] std::vector<std::string> missing_in_root(const Model& model, const std::string& root);

}  // namespace kestrel::config
