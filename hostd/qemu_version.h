// Which QEMU it is, and whether it will do. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kestrel::hostd {

struct QemuVersion {
  int major = 0;
  int minor = 0;
  friend auto operator<=>(const QemuVersion&, const QemuVersion&) = default;
};

/// The first with all that qemu_command() asks for: vhost-user-vsock (5.1), and more than eight virtio
/// devices on microvm, by ACPI (5.2).
inline constexpr QemuVersion oldest_qemu{5, 2};

/// Of what it prints when asked for its version: `QEMU emulator version 7.2.22 (Debian …)`.
[[nodiscard]] std::optional<QemuVersion> parse_qemu_version(std::string_view printed);
[[nodiscard]] std::string format(QemuVersion version);

/// What to say of a QEMU that refused to start, beside what it has said itself: its age where that is the
/// reason, else what it has to be able to do. `printed` is what it says about its version.
[[nodiscard]] std::string explain_refusal(std::string_view program, std::string_view printed);

}  // namespace kestrel::hostd
