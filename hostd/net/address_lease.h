// An address of a network that belongs to one VM for as long as it runs.
//
// Each address that was ever given has a file of its name in the network's folder, which says to whom, and is
// locked (flock) while it is in use. QEMU inherits that lock: so an address is free again when the runner and
// QEMU are gone, however they went, and not before; and nothing has to be cleaned up after a crash.
#pragma once

#include <string>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

struct AddressLease {
  IpAddress address;
  sys::UniqueFd lock;
};

/// An address for `vm` in the network in which the host has `own`. `folder` is the network's; it is made if
/// it is missing.
[[nodiscard]] Result<AddressLease> lease_address(const std::string& folder, const IpNetwork& own,
                                                 const std::string& vm);

}  // namespace kestrel::hostd
