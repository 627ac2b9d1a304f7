// The tree of commands of a program whose command line CLI11 reads.
#pragma once

#include "hostd/completion/command_tree.h"

namespace CLI {
class App;
}

namespace kestrel::hostd::completion {

/// What a word stands for is read from its type's name: `FILE`, `DIR`, `unix:PATH`, `[VM:]PATH`, `a|b` for
/// words to choose from, and the labels of `sources`. Where it has none the name of a positional counts.
[[nodiscard]] Program describe(const CLI::App& app, std::map<std::string, std::string> sources);

}  // namespace kestrel::hostd::completion
