// `kestrel graph FILE`.
#pragma once

#include <string>

#include "kestrel/config/graph_text.h"

namespace kestrel::app {

/// Prints the graph of a configuration; 1 and its problems on stderr if it is not valid.
[[nodiscard]] int run_graph(const std::string& file, config::GraphFormat format);

}  // namespace kestrel::app
