#include "hostd/vm_spec.h"

#include <arpa/inet.h>

#include <algorithm>

#include "hostd/plain_name.h"
#include "kestrel/base/text.h"
#include "kestrel/base/utf8.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t longest_name = 40;
constexpr unsigned most_cpus = 64;

bool is_numeric_address(const std::string& address) {
  in6_addr any{};
  return inet_pton(AF_INET, address.c_str(), &any) == 1 || inet_pton(AF_INET6, address.c_str(), &any) == 1;
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(*number);
}

/// JSON carries nothing else unchanged, and of control characters each would need six bytes.
bool is_text(std::string_view text) {
  while (!text.empty()) {
    const auto length = utf8_character_length(text);
    const bool is_control = text.front() == '\x7f' || (text.front() >= 0 && text.front() < ' ');
    if (length == 0 ||
        (is_control && std::string_view("\t\r\n").find(text.front()) == std::string_view::npos))
      return false;
    text.remove_prefix(length);
  }
  return true;
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.find('=') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

}  // namespace

std::string_view name_of(Accel accel) {
  switch (accel) {
    case Accel::automatic:
      return "auto";
    case Accel::kvm:
      return "kvm";
    case Accel::tcg:
      return "tcg";
  }
  return "auto";
}

Result<Accel> parse_accel(std::string_view text) {
  for (const Accel accel : {Accel::automatic, Accel::kvm, Accel::tcg}) {
    if (text == name_of(accel)) return accel;
  }
  return Error{concat("cannot use accelerator `", text, "`: it is none of auto, kvm, tcg")};
}

std::string_view name_of(VsockDevice device) {
  switch (device) {
    case VsockDevice::automatic:
      return "auto";
    case VsockDevice::native:
      return "native";
    case VsockDevice::user:
      return "user";
  }
  return "auto";
}

Result<VsockDevice> parse_vsock_device(std::string_view text) {
  for (const VsockDevice device : {VsockDevice::automatic, VsockDevice::native, VsockDevice::user}) {
    if (text == name_of(device)) return device;
  }
  return Error{concat("cannot use vsock device `", text, "`: it is none of auto, native, user")};
}

Result<PublishedPort> parse_published_port(std::string_view text) {
  const auto wrong = [&](std::string_view cause) {
    return Error{concat("cannot publish `", text, "`: ", cause)};
  };
  const auto last = text.rfind(':');
  if (last == std::string_view::npos) return wrong("it is not [ADDRESS:]HOST:GUEST");
  const auto guest = parse_port(text.substr(last + 1));
  std::string_view host_side = text.substr(0, last);

  PublishedPort port;
  if (const auto colon = host_side.rfind(':'); colon != std::string_view::npos) {
    std::string_view address = host_side.substr(0, colon);
    if (address.size() >= 2 && address.front() == '[' && address.back() == ']') {
      address = address.substr(1, address.size() - 2);
    }
    port.address = address;
    host_side = host_side.substr(colon + 1);
    if (!is_numeric_address(port.address))
      return wrong("its address is not a numeric IPv4 or [IPv6] address");
  }
  const auto host = parse_port(host_side);
  if (!host) return wrong("its host port is not a number from 0 to 65535");
  if (!guest || *guest == 0) return wrong("its guest port is not a number from 1 to 65535");
  port.host = *host;
  port.guest = *guest;
  return port;
}

std::string format_published_port(const PublishedPort& port) {
  const bool is_ipv6 = port.address.find(':') != std::string::npos;
  const std::string address = is_ipv6 ? concat('[', port.address, ']') : port.address;
  return concat(address, ':', port.host, ':', port.guest);
}

bool is_vm_name(std::string_view name) { return is_plain_name(name, longest_name); }

std::vector<Disk> all_disks(const VmSpec& spec) {
  std::vector<Disk> disks = spec.disks;
  for (const Volume& volume : spec.volumes) disks.push_back(disk_of(volume));
  return disks;
}

std::vector<std::string> problems_of(const VmSpec& spec) {
  std::vector<std::string> problems;
  const auto check = [&](bool holds, std::string_view problem) {
    if (!holds) problems.emplace_back(problem);
  };
  check(is_vm_name(spec.name), concat("`", spec.name, "` is no name for a VM: use up to ", longest_name,
                                      " letters, digits, `-`, `_`, `.`, with a letter or digit first"));
  check(spec.kernel.starts_with('/'), "the kernel is not an absolute path");
  check(spec.initramfs.starts_with('/'), "the initramfs is not an absolute path");
  check(spec.runtime_dir.starts_with('/'), "the runtime folder is not an absolute path");
  check(!spec.program.empty(), "no VMM is named");
  check(spec.memory >= least_memory, concat("memory of ", format_bytes(spec.memory),
                                            " is too little: a guest needs ", format_bytes(least_memory)));
  check(spec.cpus >= 1 && spec.cpus <= most_cpus, concat("cpus must be from 1 to ", most_cpus));
  check(std::none_of(spec.volumes.begin(), spec.volumes.end(), is_root_volume),
        "a volume can be at / only where the image's root is only read (erofs, squashfs)");
  check(spec.boot_timeout > Duration::zero(), "the boot timeout must be longer than nothing");
  check(spec.shutdown_timeout > Duration::zero(), "the shutdown timeout must be longer than nothing");
  check(spec.logs.file_size >= kibibytes(64) && spec.logs.files >= 1,
        "logs need at least one file of 64 KiB");
  check(spec.append.find('\n') == std::string::npos, "the kernel arguments hold a line break");
  check(Bytes{spec.user_data.size()} <= most_user_data,
        concat("the user-data is larger than ", format_bytes(most_user_data)));
  check(is_text(spec.user_data), "the user-data is no text in UTF-8");
  for (const auto* env : {&spec.env, &spec.image_env}) {
    for (const auto& [name, value] : *env) {
      check(is_variable_name(name), concat("`", name, "` is no name for an environment variable"));
    }
  }
  for (const PublishedPort& port : spec.ports) {
    check(is_numeric_address(port.address),
          concat("`", port.address, "` is no numeric address to publish on"));
    check(port.guest != 0, "a published port leads to guest port 0");
    const auto same = [&](const PublishedPort& other) {
      return &other < &port && port.host != 0 && other.host == port.host && other.address == port.address;
    };
    check(std::none_of(spec.ports.begin(), spec.ports.end(), same),
          concat("port ", port.host, " of ", port.address, " is published twice"));
  }
  for (std::string& problem : problems_of(all_disks(spec))) problems.push_back(std::move(problem));
  for (std::string& problem : problems_of(spec.volumes)) problems.push_back(std::move(problem));
  for (std::string& problem : problems_of(spec.network)) problems.push_back(std::move(problem));
  return problems;
}

}  // namespace kestrel::hostd
