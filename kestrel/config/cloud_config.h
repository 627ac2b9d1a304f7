// What a host may give a guest beside its configuration: user-data as cloud-init takes it, of kind
// `#cloud-config`, and of that what a guest without cloud-init needs (write_files, bootcmd, runcmd, hostname
// and fqdn: https://cloudinit.readthedocs.io/en/latest/reference/modules.html).
//
// Such files are written for many machines, so a key that is not known is only warned about. What is known
// but wrong is a problem, as in the configuration.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/config/model.h"
#include "kestrel/config/problem.h"

namespace kestrel::config {

struct WrittenFile {
  std::string path;  ///< absolute
  std::string content;
  std::optional<std::uint32_t> permissions;  ///< unset: 0644, or as they are of a file that is appended to
  std::optional<User> owner;                 ///< unset: root, or who it is of a file that is appended to
  bool is_appended = false;                  ///< to what the file holds already
  friend bool operator==(const WrittenFile&, const WrittenFile&) = default;
};

struct CloudConfig {
  std::optional<std::string> hostname;
  std::vector<WrittenFile> files;  ///< in the order of the text, in which they are to be written
  std::vector<Command> boot_commands;
  std::vector<Command> run_commands;
  Problems warnings;  ///< by position
};

/// What it says, or everything that is wrong, ordered by position.
using LoadedCloudConfig = std::variant<CloudConfig, Problems>;

/// An empty text asks for nothing. Bounded as load() is.
[[nodiscard]] LoadedCloudConfig load_cloud_config(std::string_view text);

/// Boot commands become the first of the pre_start hooks, run commands the last of the post_start hooks.
void add_commands(const CloudConfig& cloud, Hooks& hooks);

}  // namespace kestrel::config
