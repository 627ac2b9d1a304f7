// `kestrelctl run`'s options, and what becomes of them: a VM's spec.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "hostd/vm_machine.h"
#include "hostd/vm_spec.h"

namespace kestrel::hostd {

struct RunOptions {
  std::string image;
  std::string name;
  std::vector<std::string> ports;
  std::vector<std::string> env;
  std::vector<std::string> env_files;
  std::string memory;
  unsigned cpus = 0;  ///< 0: as the image says
  std::string kernel;
  std::string append;
  std::string accel;
  std::string hostname;
  std::string user_data_file;  ///< empty: none
  std::string boot_timeout;
  std::string shutdown_timeout;
  std::string vmm;
  std::string wait = "healthy";
  std::string wait_timeout = "2m";
  bool is_detached = false;
  bool is_quiet = false;
  bool keeps = false;
};

/// Reads the image and looks at the environment (KESTREL_KERNEL, KESTREL_ACCEL, KESTREL_QEMU). The outcome
/// says what is wrong, ready to be shown.
[[nodiscard]] std::variant<VmSpec, Outcome> make_spec(const RunOptions& options);

/// `KEY=VALUE`, or `KEY` alone for the variable of this process; pure but for that.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_variable(const std::string& text);
/// One variable a line; empty lines and those that begin with `#` are skipped.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_env_file(std::string_view text);

/// `wanted`, or wanted-2, wanted-3, … where VMs of these names are running.
[[nodiscard]] std::string free_name(const std::string& wanted);
/// A VM's name made of an image's.
[[nodiscard]] std::string name_from(std::string_view image_name);

}  // namespace kestrel::hostd
