#include "hostd/qemu_version.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

std::optional<QemuVersion> parse_qemu_version(std::string_view printed) {
  constexpr std::string_view before = "QEMU emulator version ";
  if (!printed.starts_with(before)) return std::nullopt;
  printed.remove_prefix(before.size());
  const auto numbers = split(printed.substr(0, printed.find_first_not_of("0123456789.")), '.');
  if (numbers.size() < 2) return std::nullopt;
  const auto major = parse_integer(numbers[0]);
  const auto minor = parse_integer(numbers[1]);
  if (!major || !minor || *major > 1000 || *minor > 1000) return std::nullopt;
  return QemuVersion{static_cast<int>(*major), static_cast<int>(*minor)};
}

std::string format(QemuVersion version) { return concat(version.major, '.', version.minor); }

std::string explain_refusal(std::string_view program, std::string_view printed) {
  const auto version = parse_qemu_version(printed);
  if (!version) return concat(program, " does not tell its version as a QEMU does");
  if (*version < oldest_qemu)
    return concat(program, " is QEMU ", format(*version), ", which is too old: ", format(oldest_qemu),
                  " or newer is needed");
  return concat(program, " is QEMU ", format(*version),
                "; it needs the machine microvm, the device vhost-user-vsock-device, and seccomp");
}

}  // namespace kestrel::hostd
