// `kestrelctl run`'s options, and what becomes of them: a VM's spec.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "hostd/vm_request.h"

namespace kestrel::hostd {

struct RunOptions {
  VmRequest vm;
  std::vector<std::string> env;  ///< KEY=VALUE, or KEY
  std::vector<std::string> env_files;
  std::string user_data_file;  ///< empty: none
  std::string wait = "healthy";
  std::string wait_timeout = "2m";
  bool is_detached = false;
  bool is_quiet = false;
  bool keeps = false;
};

/// The request, complete with what is in the files that the options name.
[[nodiscard]] Result<VmRequest> read_request(const RunOptions& options);
/// The same for who works in another folder: every path in it is absolute.
[[nodiscard]] Result<VmRequest> read_request_for_hostd(const RunOptions& options);
/// What this process has in its environment (KESTREL_KERNEL, KESTREL_ACCEL, …), and its VMs.
[[nodiscard]] Surroundings surroundings();
/// Reads the image. The outcome says what is wrong, ready to be shown.
[[nodiscard]] std::variant<VmSpec, Outcome> make_spec(const RunOptions& options);

/// `KEY=VALUE`, or `KEY` alone for the variable of this process; pure but for that.
[[nodiscard]] Result<std::pair<std::string, std::string>> parse_variable(const std::string& text);
/// One variable a line; empty lines and those that begin with `#` are skipped.
[[nodiscard]] Result<std::map<std::string, std::string>> parse_env_file(std::string_view text);

/// `wanted`, or wanted-2, wanted-3, … where VMs of these names are running.
[[nodiscard]] std::string free_name(const std::string& wanted);

}  // namespace kestrel::hostd
