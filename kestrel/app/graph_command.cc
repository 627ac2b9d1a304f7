#include "kestrel/app/graph_command.h"

#include <cstdio>

#include "kestrel/config/load.h"

namespace kestrel::app {

int run_graph(const std::string& file, config::GraphFormat format) {
  const config::Loaded loaded = config::load_file(file);
  if (const auto* problems = std::get_if<config::Problems>(&loaded)) {
    for (const config::Problem& problem : *problems) {
      std::fprintf(stderr, "%s\n", describe(problem, file).c_str());
    }
    return 1;
  }
  std::fputs(graph_text(std::get<config::Model>(loaded), format).c_str(), stdout);
  return 0;
}

}  // namespace kestrel::app
