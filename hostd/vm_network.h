// The network of a VM, beside its vsock device.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

struct NetworkSpec {
  enum class Kind {
    none,    ///< ports are published over vsock, and nothing leads out
    user,    ///< QEMU's own: the guest's connections are made by QEMU, nobody can connect to it
    bridge,  ///< a port of a bridge of this host, with an address of its own
  };
  Kind kind = Kind::none;
  std::string bridge;  ///< the interface's name
  friend bool operator==(const NetworkSpec&, const NetworkSpec&) = default;
};
/// `none`, `user` or `bridge=NAME`, and back.
[[nodiscard]] Result<NetworkSpec> parse_network(std::string_view text);
[[nodiscard]] std::string format(const NetworkSpec& network);

/// IFNAMSIZ of linux/if.h, less its closing zero.
inline constexpr std::size_t longest_interface_name = 15;

/// What is wrong with it, one line each.
[[nodiscard]] std::vector<std::string> problems_of(const NetworkSpec& network);

}  // namespace kestrel::hostd
