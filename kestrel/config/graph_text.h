// Who waits for whom, as text that programs draw: Graphviz (https://graphviz.org/doc/info/lang.html) or
// Mermaid (https://mermaid.js.org/syntax/flowchart.html).
//
// An arrow leads from a service to what it waits for and says in which condition, `restart` added where it
// restarts together with that. A dashed arrow is a dependency that may fail. Services are boxes, jobs are
// round, what has a schedule shows it, and infrastructure has a frame of its own.
#pragma once

#include <string>

#include "kestrel/config/model.h"

namespace kestrel::config {

enum class GraphFormat { dot, mermaid };

/// The same text for the same model, in the order of the file.
[[nodiscard]] std::string graph_text(const Model& model, GraphFormat format);

}  // namespace kestrel::config
