// An empty qcow2 file that lies on a base: what a VM writes to a disk that others read, too.
//
// It is written here, as QEMU's docs/interop/qcow2.txt has it, so that a host needs no qemu-img to run VMs.
// It names no base: which one it is, and of what format, QEMU is told by us.
#pragma once

#include <string>
#include <vector>

#include "hostd/vm_disk.h"
#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// What a guest sees of the size of this open disk: a qcow2 file says so itself.
[[nodiscard]] Result<Bytes> virtual_size(int file, DiskFormat format, const std::string& path);

/// Fills the empty file with an overlay for a base of that size.
[[nodiscard]] Result<void> write_overlay(int file, Bytes size);

/// Gives the VM's overlays that have no name one that lasts, in its folder below `folder`: those over a file
/// below `blobs`, a folder and a slash, whose content is in its name. Another base could become another one
/// while the VM is stopped, and the overlay's data would mean nothing.
void keep_overlays(std::vector<Disk>& disks, const std::string& folder, const std::string& vm,
                   const std::string& blobs);
/// Those that were kept for this VM.
void remove_overlays(const std::string& folder, const std::string& vm);

/// Where all of them are: `overlays` in the state folder.
[[nodiscard]] std::string overlays_dir();

/// A file without a name in this folder, which is made if it is missing: its space comes back when the last
/// descriptor of it is closed, however that happens.
[[nodiscard]] Result<sys::UniqueFd> open_unnamed_file(const std::string& folder);

}  // namespace kestrel::hostd
