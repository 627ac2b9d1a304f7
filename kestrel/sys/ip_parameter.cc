#include "kestrel/sys/ip_parameter.h"

#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

enum Field { client, server, gateway, netmask, hostname, device, autoconf, dns0, dns1 };

bool turns_off(std::string_view word) { return word == "off" || word == "none"; }

bool is_autoconf(std::string_view word) {
  for (std::string_view known : {"off", "none", "on", "any", "dhcp", "bootp", "rarp", "both"}) {
    if (word == known) return true;
  }
  return false;
}

/// The fields of one parameter; those that are empty, or an address of zeros, are not given.
class Fields {
 public:
  explicit Fields(std::string_view text) : text_(text), fields_(split(text, ':')) {}

  [[nodiscard]] std::string_view text(Field field) const {
    return field < fields_.size() ? fields_[field] : std::string_view();
  }

  [[nodiscard]] Result<std::optional<IpAddress>> address(Field field) const {
    const std::string_view given = text(field);
    if (given.empty()) return std::optional<IpAddress>();
    const auto parsed = parse_ip_address(given);
    if (!parsed) return error(given, "is no address");
    return *parsed == IpAddress{} ? std::optional<IpAddress>() : parsed;
  }

  [[nodiscard]] Error error(std::string_view what, std::string_view wrong) const {
    return {concat("cannot read ip=", text_, ": ", what, ' ', wrong), EINVAL};
  }

 private:
  std::string_view text_;
  std::vector<std::string_view> fields_;
};

Result<std::optional<IpNetwork>> network_of(const Fields& fields) {
  const auto address = fields.address(client);
  if (!address) return address.error();
  if (!*address) return std::optional<IpNetwork>();
  const auto mask = fields.address(netmask);
  if (!mask) return mask.error();
  const auto prefix = *mask ? prefix_of_netmask(**mask) : prefix_of_class(**address);
  if (!prefix && *mask) return fields.error(fields.text(netmask), "is no netmask");
  if (!prefix) return fields.error(fields.text(client), "has no class, so it needs a netmask");
  return std::optional(IpNetwork{**address, *prefix});
}

}  // namespace

Result<IpParameter> parse_ip_parameter(std::string_view text) {
  IpParameter parameter;
  if (is_autoconf(text)) {
    parameter.needs_autoconfiguration = !turns_off(text);
    return parameter;
  }
  const Fields fields(text);
  const auto network = network_of(fields);
  if (!network) return network.error();
  const auto via = fields.address(gateway);
  if (!via) return via.error();
  for (const Field field : {dns0, dns1}) {
    const auto server_address = fields.address(field);
    if (!server_address) return server_address.error();
    if (*server_address) parameter.name_servers.push_back(**server_address);
  }
  if (!fields.text(autoconf).empty() && !is_autoconf(fields.text(autoconf)))
    return fields.error(fields.text(autoconf), "is no way to configure a network");
  parameter.address = *network;
  parameter.gateway = *via;
  parameter.hostname = fields.text(hostname);
  parameter.interface = fields.text(device);
  parameter.needs_autoconfiguration = !parameter.address && !turns_off(fields.text(autoconf));
  return parameter;
}

}  // namespace kestrel::sys
