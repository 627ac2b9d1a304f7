// The guest's network.
#include "kestrel/base/ip_address.h"
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

constexpr std::size_t longest_interface_name = 15;  // IFNAMSIZ of Linux, without the end

constexpr Choice<NetworkMode> mode_choices[] = {
    {"auto", NetworkMode::automatic},
    {"none", NetworkMode::none},
    {"static", NetworkMode::fixed},
    {"dhcp", NetworkMode::dhcp},
};

constexpr auto read_mode = read_choice<mode_choices>;

std::optional<std::string> read_interface(Context& context, const Raw& raw) {
  auto name = read_word(context, raw);
  if (!name || (name->size() <= longest_interface_name && name->find_first_of("/ \t\n") == std::string::npos))
    return name;
  context.report_expected(raw, "the name of an interface, at most 15 characters");
  return std::nullopt;
}

std::optional<std::string> read_network_address(Context& context, const Raw& raw) {
  auto text = read_word(context, raw);
  if (!text || parse_ip_network(*text)) return text;
  context.report_expected(raw, "an address with the length of its prefix, such as 10.0.0.2/24");
  return std::nullopt;
}

std::optional<std::string> read_address(Context& context, const Raw& raw) {
  auto text = read_word(context, raw);
  if (!text || parse_ip_address(*text)) return text;
  context.report_expected(raw, "an address such as 10.0.0.1");
  return std::nullopt;
}
constexpr auto read_addresses = read_list<read_address>;

constexpr Key<Network> network_keys[] = {
    {"mode", into<read_mode, &Network::mode>,
     "`auto`: what the host has told; else what the kernel's parameter "
     "[`ip=`](https://docs.kernel.org/admin-guide/nfs/nfsroot.html) "
     "says; without it, `dhcp` if there is a network card",
     "auto"},
    {"interface", into<read_interface, &Network::interface>,
     "with `static` or `dhcp`: its name; the first one beside `lo`, for `dhcp` the first network card, where "
     "it is "
     "not given"},
    {"address", into<read_network_address, &Network::address>,
     "with `static`, where it is required: `10.0.0.2/24`, `fd00::2/64`"},
    {"gateway", into<read_address, &Network::gateway>,
     "with `static`: an address; no default route where it is not given"},
    {"dns", into<read_addresses, &Network::dns>,
     "addresses that become `/etc/resolv.conf`; what `ip=` or the DHCP server says where it is not given"},
};

/// What only means something together.
void check_network(Context& context, const Raw& raw, const Network& network) {
  if (network.mode == NetworkMode::fixed) {
    require_key(context, raw, "address");
    const auto address = parse_ip_network(network.address);
    const auto gateway = parse_ip_address(network.gateway);
    if (address && gateway && address->address.is_v6 != gateway->is_v6)
      context.report(raw.at, "'address' and 'gateway' are of different versions of IP");
    return;
  }
  for (const RawEntry& entry : std::get<RawMap>(raw.value)) {
    if (entry.key == "address" || entry.key == "gateway")
      context.report(entry.at, concat(quoted(entry.key), " needs 'mode: static'"));
    if (entry.key == "interface" && network.mode != NetworkMode::dhcp)
      context.report(entry.at, "'interface' needs 'mode: static' or 'mode: dhcp'");
  }
}

}  // namespace

std::optional<Network> read_network(Context& context, const Raw& raw) {
  const auto network = read_struct<Network, network_keys>(context, raw);
  if (network) check_network(context, raw, *network);
  return network;
}

}  // namespace kestrel::config
