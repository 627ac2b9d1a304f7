// `kestrelctl build`: an image from a fledge.toml, or from a folder, an archive or a container image.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "hostd/build/build_image.h"
#include "hostd/build/build_plan.h"
#include "kestrel/base/result.h"

namespace CLI {
class App;
}

namespace kestrel::hostd {

/// Texts that are empty and lists that are so say nothing: the fledge.toml counts, then the defaults.
struct BuildOptions {
  std::string file;      ///< fledge.toml; none where only `from` is given
  std::string manifest;  ///< manifest.toml beside it, where there is one
  std::string from;      ///< in place of the source that the file names
  std::string output;
  std::string config;
  std::string name;
  std::string version;
  std::string kestrel;
  std::string kernel;
  std::string modules;
  std::vector<std::string> needs;
  std::vector<std::string> programs;
  std::vector<std::string> sysroots;
  std::vector<std::string> env;
  std::string memory;
  unsigned cpus = 0;
  unsigned port = 0;
  std::string type;
  std::string compression;
  std::string format;
  std::string file_system;
  bool is_rootfs = false;
  bool is_unchecked = false;
  bool is_quiet = false;
};

/// Reads the files that the options name; what the options say themselves wins.
[[nodiscard]] Result<BuildPlan> make_plan(const BuildOptions& options);

[[nodiscard]] int build_command(const BuildOptions& options);

/// The command, where it is chosen, sets `action`, which outlives the parsing.
void add_build_command(CLI::App& app, std::function<int()>& action);

}  // namespace kestrel::hostd
