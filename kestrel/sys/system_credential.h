// Credentials that whoever started the machine gives it, in the places where systemd looks for them
// (systemd.system-credentials(7)).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace kestrel::sys {

/// Where the kernel's file systems are.
struct SystemRoots {
  std::string proc = "/proc";
  std::string sys = "/sys";
};

/// The value of a credential, from the first place that has it: QEMU's fw_cfg
/// (opt/io.systemd.credentials/NAME; needs the module qemu_fw_cfg), the firmware's OEM strings, the kernel's
/// command line.
[[nodiscard]] std::optional<std::string> find_system_credential(std::string_view name,
                                                                const SystemRoots& roots = {});

/// `io.systemd.credential:NAME=VALUE`, `io.systemd.credential.binary:NAME=BASE64`. What is not base64 is not
/// there.
[[nodiscard]] std::optional<std::string> credential_in_oem_strings(std::span<const std::string_view> strings,
                                                                   std::string_view name);

/// `systemd.set_credential=NAME:VALUE`, `systemd.set_credential_binary=NAME:BASE64`, any number of them.
[[nodiscard]] std::optional<std::string> credential_in_command_line(std::string_view text,
                                                                    std::string_view name);

}  // namespace kestrel::sys
