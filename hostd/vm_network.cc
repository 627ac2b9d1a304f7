#include "hostd/vm_network.h"

#include "hostd/plain_name.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view bridge_prefix = "bridge=";

}  // namespace

Result<NetworkSpec> parse_network(std::string_view text) {
  if (text == "none") return NetworkSpec{};
  if (text == "user") return NetworkSpec{NetworkSpec::Kind::user, ""};
  if (!text.starts_with(bridge_prefix))
    return Error{concat("cannot use network `", text, "`: it is none of none, user, bridge=NAME")};
  NetworkSpec network{NetworkSpec::Kind::bridge, std::string(text.substr(bridge_prefix.size()))};
  if (const auto problems = problems_of(network); !problems.empty())
    return Error{concat("cannot use network `", text, "`: ", problems.front())};
  return network;
}

std::string format(const NetworkSpec& network) {
  switch (network.kind) {
    case NetworkSpec::Kind::none:
      return "none";
    case NetworkSpec::Kind::user:
      return "user";
    case NetworkSpec::Kind::bridge:
      return concat(bridge_prefix, network.bridge);
  }
  return "none";
}

std::vector<std::string> problems_of(const NetworkSpec& network) {
  const bool is_right = network.kind == NetworkSpec::Kind::bridge
                            ? is_plain_name(network.bridge, longest_interface_name)
                            : network.bridge.empty();
  if (is_right) return {};
  return {concat("`", network.bridge, "` is no bridge's name")};
}

}  // namespace kestrel::hostd
