// `kestrelctl images …`: the images that are installed on this host.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hostd/cli/output_format.h"

namespace CLI {
class App;
}

namespace kestrel::hostd {

[[nodiscard]] int install_command(const std::vector<std::string>& paths);
[[nodiscard]] int list_images_command(OutputFormat format);
/// Their references, one a line.
[[nodiscard]] int list_image_names_command();
[[nodiscard]] int show_image_command(const std::string& reference, OutputFormat format);
/// Stops at the first that cannot be removed.
[[nodiscard]] int remove_images_command(const std::vector<std::string>& references, bool is_forced);

/// The command that is chosen sets `action`, which outlives the parsing.
void add_image_commands(CLI::App& app, std::function<int()>& action);

}  // namespace kestrel::hostd
