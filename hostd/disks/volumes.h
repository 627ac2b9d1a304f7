// The volumes of this host: sparse files, each with a file system that is made before its first use.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hostd/disks/open_disks.h"
#include "hostd/vm_volume.h"
#include "kestrel/base/bytes.h"

namespace kestrel::hostd {

/// Where they are: `volumes` in the state folder.
[[nodiscard]] std::string volumes_dir();

/// Opens and locks it, and makes it where it is not there yet. It appears under its name when it is whole,
/// whatever happens in between. Error code EBUSY: another VM uses it.
[[nodiscard]] Result<OpenDisk> open_volume(const Volume& volume);

struct KeptVolume {
  std::string name;
  Bytes size;       ///< as the guest sees it
  Bytes allocated;  ///< what it takes here
  bool is_in_use = false;
};
/// In the order of their names; empty where there is no such folder.
[[nodiscard]] std::vector<KeptVolume> list_volumes(const std::string& folder);
/// Error codes: EBUSY where a VM uses it, ENOENT where there is none of that name.
[[nodiscard]] Result<void> remove_volume(const std::string& folder, const std::string& name);

}  // namespace kestrel::hostd
