#include "kestrel/sys/system_credential.h"

#include "kestrel/base/base64.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/kernel_command_line.h"
#include "kestrel/sys/smbios.h"

namespace kestrel::sys {

namespace {

/// What stands behind `prefix`, or nullopt.
std::optional<std::string_view> behind(std::string_view text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return std::nullopt;
  return text.substr(prefix.size());
}

}  // namespace

std::optional<std::string> credential_in_oem_strings(std::span<const std::string_view> strings,
                                                     std::string_view name) {
  const std::string plain = concat("io.systemd.credential:", name, '=');
  const std::string binary = concat("io.systemd.credential.binary:", name, '=');
  for (const std::string_view text : strings) {
    if (const auto value = behind(text, plain)) return std::string(*value);
    if (const auto value = behind(text, binary)) return decode_base64(*value);
  }
  return std::nullopt;
}

std::optional<std::string> credential_in_command_line(std::string_view text, std::string_view name) {
  const std::string prefix = concat(name, ':');
  for (const auto& [key, value] : list_kernel_parameters(text)) {
    const auto found = behind(value, prefix);
    if (found && key == "systemd.set_credential") return std::string(*found);
    if (found && key == "systemd.set_credential_binary") return decode_base64(*found);
  }
  return std::nullopt;
}

std::optional<std::string> find_system_credential(std::string_view name, const SystemRoots& roots) {
  const std::string fw_cfg = "/firmware/qemu_fw_cfg/by_name/opt/io.systemd.credentials/";
  if (auto value = read_file(concat(roots.sys, fw_cfg, name, "/raw"))) return std::move(*value);
  if (const auto table = read_file(concat(roots.sys, "/firmware/dmi/tables/DMI"))) {
    if (auto value = credential_in_oem_strings(oem_strings(*table), name)) return value;
  }
  const auto command_line = read_file(concat(roots.proc, "/cmdline"));
  return command_line ? credential_in_command_line(*command_line, name) : std::nullopt;
}

}  // namespace kestrel::sys
