// A volume of a VM: a disk that this host keeps under a name, with a file system on it that lasts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "hostd/vm_disk.h"
#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct Volume {
  std::string name;  ///< a plain name (plain_name.h), also the serial of its disk
  /// Where the guest mounts it; empty: its own configuration says where. `/`: what it writes to a root that
  /// is only read goes there.
  std::string target;
  Bytes size;        ///< 0: as it is, for one that is there already
  std::string path;  ///< absolute path of its file
  friend bool operator==(const Volume&, const Volume&) = default;
};

inline constexpr std::string_view volume_file_system = "ext4";
/// An ext4 file system with a journal needs a little more than 1 MiB.
inline constexpr Bytes least_volume = mebibytes(2);

/// Where the volume of that name has its file, below the folder of all of them.
[[nodiscard]] std::string volume_path(std::string_view folder, std::string_view name);
/// `NAME:[TARGET][:SIZE]`.
[[nodiscard]] Result<Volume> parse_volume(std::string_view text, std::string_view folder);
[[nodiscard]] Disk disk_of(const Volume& volume);
[[nodiscard]] inline bool is_root_volume(const Volume& volume) { return volume.target == "/"; }

/// Everything that is wrong with them, one line each, but for what is wrong with their disks.
[[nodiscard]] std::vector<std::string> problems_of(const std::vector<Volume>& volumes);

}  // namespace kestrel::hostd
