// A VM's runtime folder: who holds its lock is the VM's runner, and nobody else touches what is in it.
//
// The lock is on the folder itself (flock), so it ends with its runner, however that ends, and leaves no file
// behind. What a dead runner left is removed by the next of that name.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// Where the folders of all VMs are: $KESTREL_RUNTIME_DIR/vms, /run/kestrel/vms for root,
/// $XDG_RUNTIME_DIR/kestrel/vms, else /tmp/kestrel-UID/vms.
[[nodiscard]] std::string vms_dir();

/// The folder and all that is missing before it, each for its owner alone.
[[nodiscard]] Result<void> make_folders(const std::string& path);

class RuntimeDir {
 public:
  RuntimeDir() = default;
  /// Makes the folder (mode 0700) if it is missing, takes its lock, and empties it. Error code EBUSY: a
  /// runner holds it.
  [[nodiscard]] static Result<RuntimeDir> claim(std::string path);
  /// The same, but what is in the folder stays: somebody else's files may be there, and the records of a
  /// runner before.
  [[nodiscard]] static Result<RuntimeDir> adopt(std::string path);

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string file(std::string_view name) const;
  /// A file of this content, for its owner alone.
  [[nodiscard]] Result<void> write(std::string_view name, std::string_view content) const;

  /// Removes the folder and all that is in it.
  void remove();
  /// Removes what is of no use once the VM has ended: its sockets.
  void remove_sockets();
  void remove(std::string_view name);

 private:
  [[nodiscard]] static Result<RuntimeDir> lock(std::string path);
  std::string path_;
  sys::UniqueFd lock_;
};

/// The names of what is in the folder.
inline constexpr std::string_view spec_file = "vm.json";
inline constexpr std::string_view runtime_id_file = "runtime-id";
inline constexpr std::string_view exit_file = "exit.json";
inline constexpr std::string_view console_file = "console.log";
inline constexpr std::string_view logs_file = "logs.ndjson";
inline constexpr std::string_view events_file = "events.ndjson";
inline constexpr std::string_view runner_log_file = "runner.log";
inline constexpr std::string_view vsock_socket = "vsock.sock";
inline constexpr std::string_view api_socket = "api.sock";
inline constexpr std::string_view qmp_socket = "qmp.sock";
inline constexpr std::string_view runner_socket = "runner.sock";
inline constexpr std::string_view handoff_socket = "handoff.sock";

/// An error where a socket in this folder would have a longer path than the system allows.
[[nodiscard]] Result<void> check_socket_paths(const std::string& runtime_dir);

/// Whether a runner holds the folder. A runner that begins at this very moment may be refused it.
[[nodiscard]] bool is_held(const std::string& runtime_dir);
/// Waits until nobody holds the folder any more, or it is gone: its runner has ended.
[[nodiscard]] Result<void> wait_until_ended(const std::string& runtime_dir, Duration limit);
/// Removes the folder of a VM that has ended. Error code EBUSY: it has not.
[[nodiscard]] Result<void> remove_ended(const std::string& runtime_dir);

}  // namespace kestrel::hostd
