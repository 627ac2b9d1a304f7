// `kestrelctl exec`, `shell` and `attach`: programs in a guest that feel like programs here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kestrel::hostd {

struct ExecOptions {
  std::string vm;
  std::vector<std::string> command;
  bool is_interactive = false;
  bool has_terminal = false;
  bool is_detached = false;
  std::vector<std::string> env;
  std::string user;
  std::string working_dir;
  std::string timeout;
};
/// The command's exit status, 128 + its signal, 124 where its time was over, 126 or 127 where it could not be
/// executed or is not there, 125 for all that failed on the way.
[[nodiscard]] int exec_command(const ExecOptions& options);

struct ShellOptions {
  std::string vm;
  std::string user;
  std::string working_dir;
  std::string shell;  ///< empty: the first of bash and sh that is there
};
[[nodiscard]] int shell_command(const ShellOptions& options);

struct AttachOptions {
  std::string vm;
  std::string exec_id;
  std::uint64_t offset = 0;
  bool is_interactive = false;
  bool has_terminal = false;
};
[[nodiscard]] int attach_command(const AttachOptions& options);

}  // namespace kestrel::hostd
