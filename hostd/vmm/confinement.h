// What QEMU may do on this host: as little as it needs.
//
// It inherits everything that it works with as open descriptors, so it needs no rights to any file of ours.
// Started by root it runs as a user of its own without capabilities; whoever starts it, no program that it
// could execute gains rights, it dumps no core, which would hold the guest's memory, and it is the first to
// go where memory runs out. Its own seccomp filter (qemu_command.cc) comes on top.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/process.h"
#include "kestrel/sys/user_db.h"

namespace kestrel::hostd {

/// Whom a program that strangers speak to is to run as: user $KESTREL_VMM_USER (`USER[:GROUP]`, names or
/// numbers), else one that no other VM has and that owns nothing. nullopt: as we do, for we are not root, or
/// root cannot change its user (a container may forbid it).
[[nodiscard]] Result<std::optional<sys::Account>> choose_confined_account();

/// QEMU runs as choose_confined_account() says, and with as few rights as it can have.
[[nodiscard]] Result<void> confine(sys::ProcessSpec& process, bool uses_kvm);

/// The file, open, so that QEMU can open it once more through /proc whoever it is: the file itself where
/// everybody may read it, else a copy in memory.
[[nodiscard]] Result<sys::UniqueFd> open_for_all(const std::string& path);

/// Each VM has the user of this number and its runner's process id: behind all that systemd gives to
/// containers (its UIDS-GIDS.md), which is behind everybody's accounts.
inline constexpr std::uint32_t first_vmm_user = 0x70000000;

/// Whether `id` means anything in a user namespace with this /proc/self/uid_map or gid_map
/// (user_namespaces(7)).
[[nodiscard]] bool is_mapped(std::string_view id_map, std::uint32_t id);

}  // namespace kestrel::hostd
