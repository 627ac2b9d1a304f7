#include "kestrel/base/capability.h"

#include <algorithm>
#include <array>

#include "kestrel/base/text.h"

namespace kestrel {

namespace {

// In the order of their numbers (linux/capability.h), which are the same on all architectures.
constexpr std::array<std::string_view, 41> names = {"chown",
                                                    "dac_override",
                                                    "dac_read_search",
                                                    "fowner",
                                                    "fsetid",
                                                    "kill",
                                                    "setgid",
                                                    "setuid",
                                                    "setpcap",
                                                    "linux_immutable",
                                                    "net_bind_service",
                                                    "net_broadcast",
                                                    "net_admin",
                                                    "net_raw",
                                                    "ipc_lock",
                                                    "ipc_owner",
                                                    "sys_module",
                                                    "sys_rawio",
                                                    "sys_chroot",
                                                    "sys_ptrace",
                                                    "sys_pacct",
                                                    "sys_admin",
                                                    "sys_boot",
                                                    "sys_nice",
                                                    "sys_resource",
                                                    "sys_time",
                                                    "sys_tty_config",
                                                    "mknod",
                                                    "lease",
                                                    "audit_write",
                                                    "audit_control",
                                                    "setfcap",
                                                    "mac_override",
                                                    "mac_admin",
                                                    "syslog",
                                                    "wake_alarm",
                                                    "block_suspend",
                                                    "audit_read",
                                                    "perfmon",
                                                    "bpf",
                                                    "checkpoint_restore"};

std::string plain_name(std::string_view name) {
  std::string plain(name);
  std::transform(plain.begin(), plain.end(), plain.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (plain.starts_with("cap_")) plain.erase(0, 4);
  return plain;
}

}  // namespace

std::optional<int> parse_capability(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), plain_name(name));
  if (found == names.end()) return std::nullopt;
  return static_cast<int>(found - names.begin());
}

std::optional<std::string_view> nearest_capability(std::string_view name) {
  return nearest(plain_name(name), names);
}

CapabilitySet capability_set(const std::vector<std::string>& wanted) {
  CapabilitySet set = 0;
  for (const std::string& name : wanted) {
    if (const auto number = parse_capability(name)) set |= CapabilitySet{1} << *number;
  }
  return set;
}

}  // namespace kestrel
