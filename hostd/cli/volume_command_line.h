// The command line of `kestrelctl volumes`.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// The command that is chosen sets `action`, which outlives the parsing.
void add_volume_commands(CLI::App& app, std::function<int()>& action);

}  // namespace kestrel::hostd
