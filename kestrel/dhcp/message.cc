#include "kestrel/dhcp/message.h"

#include <algorithm>
#include <array>
#include <limits>

#include "kestrel/base/host_name.h"

namespace kestrel::dhcp {

namespace {

// Where the fixed fields are, in bytes from the start (RFC 2131, figure 1).
constexpr std::size_t own_address_at = 12;
constexpr std::size_t your_address_at = 16;
constexpr std::size_t mac_at = 28;
constexpr std::size_t server_name_at = 44;
constexpr std::size_t server_name_size = 64;
constexpr std::size_t file_at = 108;
constexpr std::size_t file_size = 128;
constexpr std::size_t cookie_at = 236;
constexpr std::size_t options_at = 240;

constexpr char op_request = 1;
constexpr char op_reply = 2;
constexpr char ethernet = 1;
constexpr std::string_view cookie = "\x63\x82\x53\x63";
/// BOOTP's size, which some relays insist on.
constexpr std::size_t smallest_message = 300;
/// What DNS allows; one in /etc/resolv.conf may be that long.
constexpr std::size_t longest_domain_name = 253;

enum Option : std::uint8_t {
  pad = 0,
  subnet_mask = 1,
  router = 3,
  domain_name_server = 6,
  host_name = 12,
  domain_name = 15,
  interface_mtu = 26,
  requested_address = 50,
  lease_time = 51,
  overload = 52,
  message_type = 53,
  server_identifier = 54,
  parameter_request_list = 55,
  renewal_time = 58,
  rebinding_time = 59,
  end = 255,
};

constexpr std::array<char, 6> wishes = {subnet_mask, router,      domain_name_server,
                                        host_name,   domain_name, interface_mtu};

// --- writing ----------------------------------------------------------------------------------------------

char as_char(std::uint8_t byte) { return static_cast<char>(byte); }

void append_number(std::string& out, std::uint32_t number, int size) {
  for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
    out.push_back(as_char(static_cast<std::uint8_t>(number >> shift)));
}

void append_address(std::string& out, const IpAddress& address) {
  for (std::size_t i = 0; i < 4; ++i) out.push_back(as_char(address.bytes[i]));
}

void append_option(std::string& out, Option code, std::string_view content) {
  out.push_back(as_char(code));
  out.push_back(as_char(static_cast<std::uint8_t>(content.size())));
  out.append(content);
}

void append_address_option(std::string& out, Option code, const std::optional<IpAddress>& address) {
  if (!address) return;
  std::string content;
  append_address(content, *address);
  append_option(out, code, content);
}

// --- reading ----------------------------------------------------------------------------------------------

std::uint8_t byte_at(std::string_view text, std::size_t at) { return static_cast<std::uint8_t>(text[at]); }

std::uint32_t number_at(std::string_view text, std::size_t at, std::size_t size) {
  std::uint32_t number = 0;
  for (std::size_t i = at; i < at + size; ++i) number = number << 8 | byte_at(text, i);
  return number;
}

IpAddress address_at(std::string_view text, std::size_t at) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) address.bytes[i] = byte_at(text, at + i);
  return address;
}

/// The content of every option by its code; empty for those that are not there.
class Options {
 public:
  /// False if an option does not end within `text`.
  bool read(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const std::uint8_t code = byte_at(text, at++);
      if (code == pad) continue;
      if (code == end) return true;
      if (at == text.size()) return false;
      const std::size_t size = byte_at(text, at++);
      if (size > text.size() - at) return false;
      contents_[code].append(text.substr(at, size));
      at += size;
    }
    return true;
  }

  [[nodiscard]] std::string_view text(Option code) const { return contents_[code]; }

  [[nodiscard]] std::optional<std::uint32_t> number(Option code, std::size_t size) const {
    if (contents_[code].size() != size) return std::nullopt;
    return number_at(contents_[code], 0, size);
  }

  [[nodiscard]] std::vector<IpAddress> addresses(Option code) const {
    std::vector<IpAddress> all;
    const std::string& content = contents_[code];
    if (content.size() % 4 != 0) return all;
    for (std::size_t at = 0; at < content.size(); at += 4) all.push_back(address_at(content, at));
    return all;
  }

  [[nodiscard]] std::optional<IpAddress> address(Option code) const {
    if (contents_[code].size() != 4) return std::nullopt;
    return address_at(contents_[code], 0);
  }

  /// Some servers end texts with a NUL, which RFC 2132 has them not do.
  [[nodiscard]] std::string name(Option code, std::size_t longest) const {
    std::string_view content = contents_[code];
    while (content.ends_with('\0')) content.remove_suffix(1);
    return is_host_name(content, longest) ? std::string(content) : std::string();
  }

 private:
  std::array<std::string, 256> contents_;
};

/// The options, those in the fixed fields included; false if any part of them is broken.
bool read_options(std::string_view bytes, Options& options) {
  if (!options.read(bytes.substr(options_at))) return false;
  constexpr std::uint32_t in_file = 1;
  constexpr std::uint32_t in_server_name = 2;
  const std::uint32_t where = options.number(overload, 1).value_or(0);
  if ((where & in_file) != 0 && !options.read(bytes.substr(file_at, file_size))) return false;
  return (where & in_server_name) == 0 || options.read(bytes.substr(server_name_at, server_name_size));
}

std::optional<Answer> answer_of(const Options& options) {
  const auto type = options.number(message_type, 1);
  if (!type) return std::nullopt;
  for (const Answer known : {Answer::offer, Answer::acknowledge, Answer::refuse}) {
    if (*type == static_cast<std::uint32_t>(known)) return known;
  }
  return std::nullopt;
}

}  // namespace

std::string encode(const Request& request) {
  constexpr std::int64_t most_seconds = std::numeric_limits<std::uint16_t>::max();
  std::string out = {op_request, ethernet, static_cast<char>(request.mac.size()), 0};
  append_number(out, request.transaction, 4);
  append_number(out,
                static_cast<std::uint32_t>(std::min<std::int64_t>(request.elapsed.count(), most_seconds)), 2);
  out.resize(own_address_at);
  append_address(out, request.own);
  out.resize(mac_at);
  for (const std::uint8_t byte : request.mac) out.push_back(as_char(byte));
  out.resize(cookie_at);
  out.append(cookie);
  append_option(out, message_type, std::string(1, as_char(static_cast<std::uint8_t>(request.question))));
  append_address_option(out, requested_address, request.wanted);
  append_address_option(out, server_identifier, request.server);
  if (!request.host_name.empty()) append_option(out, host_name, request.host_name);
  if (request.question != Question::release) {
    append_option(out, parameter_request_list, std::string_view(wishes.data(), wishes.size()));
  }
  out.push_back(as_char(end));
  out.resize(std::max(out.size(), smallest_message));
  return out;
}

std::optional<Reply> parse_reply(std::string_view bytes) {
  Reply reply;
  if (bytes.size() < options_at || bytes[0] != op_reply || bytes[1] != ethernet ||
      byte_at(bytes, 2) != reply.mac.size() || bytes.substr(cookie_at, cookie.size()) != cookie)
    return std::nullopt;
  Options options;
  if (!read_options(bytes, options)) return std::nullopt;
  const auto answer = answer_of(options);
  if (!answer) return std::nullopt;
  reply.answer = *answer;
  reply.transaction = number_at(bytes, 4, 4);
  for (std::size_t i = 0; i < reply.mac.size(); ++i) reply.mac[i] = byte_at(bytes, mac_at + i);
  reply.address = address_at(bytes, your_address_at);
  reply.server = options.address(server_identifier);
  reply.netmask = options.address(subnet_mask);
  reply.routers = options.addresses(router);
  reply.name_servers = options.addresses(domain_name_server);
  reply.host_name = options.name(host_name, longest_host_name);
  reply.domain_name = options.name(domain_name, longest_domain_name);
  if (const auto mtu = options.number(interface_mtu, 2)) reply.mtu = static_cast<std::uint16_t>(*mtu);
  reply.lease_seconds = options.number(lease_time, 4);
  reply.renewal_seconds = options.number(renewal_time, 4);
  reply.rebinding_seconds = options.number(rebinding_time, 4);
  return reply;
}

}  // namespace kestrel::dhcp
