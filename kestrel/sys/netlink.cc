#include "kestrel/sys/netlink.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

namespace {

/// A request under construction: a header, a body of the request's kind, attributes.
class Request {
 public:
  template <typename Body>
  Request(std::uint16_t type, std::uint16_t flags, const Body& body) {
    header_.nlmsg_type = type;
    header_.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | NLM_F_ACK | flags);
    append(&header_, sizeof header_);
    append(&body, sizeof body);
  }

  void add(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr attribute{static_cast<unsigned short>(RTA_LENGTH(size)), type};
    append(&attribute, sizeof attribute);
    append(data, size);
  }
  void add(std::uint16_t type, const IpAddress& address) {
    add(type, address.used().data(), address.used().size());
  }
  void add(std::uint16_t type, std::uint32_t number) { add(type, &number, sizeof number); }

  /// The kernel's answer: 0 or an errno.
  [[nodiscard]] int send() {
    header_.nlmsg_len = static_cast<std::uint32_t>(text_.size());
    std::memcpy(text_.data(), &header_, sizeof header_);
    const UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!socket.is_open()) return errno;
    if (::send(socket.get(), text_.data(), text_.size(), 0) < 0) return errno;
    return receive_acknowledgement(socket.get());
  }

 private:
  static int receive_acknowledgement(int socket) {
    alignas(nlmsghdr) std::array<char, 4096> answer;
    const ssize_t n = ::recv(socket, answer.data(), answer.size(), 0);
    if (n < 0) return errno;
    nlmsghdr header;
    nlmsgerr verdict;
    if (static_cast<std::size_t>(n) < NLMSG_LENGTH(sizeof verdict.error)) return EPROTO;
    std::memcpy(&header, answer.data(), sizeof header);
    std::memcpy(&verdict.error, answer.data() + NLMSG_HDRLEN, sizeof verdict.error);
    return header.nlmsg_type == NLMSG_ERROR ? -verdict.error : EPROTO;
  }

  /// Everything in a message begins at a multiple of four bytes.
  void append(const void* data, std::size_t size) {
    text_.append(static_cast<const char*>(data), size);
    text_.resize(NLMSG_ALIGN(text_.size()));
  }

  nlmsghdr header_{};
  std::string text_;
};

unsigned char family_of(const IpAddress& address) { return address.is_v6 ? AF_INET6 : AF_INET; }

/// `settled`: what an errno is that says that nothing is left to do.
Result<void> conclude(int error, int settled, const std::string& what) {
  if (error == 0 || error == settled) return {};
  return errno_error(what, error);
}

Request address_request(std::uint16_t type, std::uint16_t flags, const std::string& interface,
                        const IpNetwork& address) {
  ifaddrmsg body{};
  body.ifa_family = family_of(address.address);
  body.ifa_prefixlen = address.prefix;
  body.ifa_flags = address.address.is_v6 ? IFA_F_NODAD : 0;
  body.ifa_index = ::if_nametoindex(interface.c_str());
  Request request(type, flags, body);
  request.add(IFA_LOCAL, address.address);
  request.add(IFA_ADDRESS, address.address);
  return request;
}

Request route_request(std::uint16_t type, std::uint16_t flags, const std::string& interface,
                      const IpAddress& gateway, GatewayIs where) {
  rtmsg body{};
  body.rtm_family = family_of(gateway);
  body.rtm_table = RT_TABLE_MAIN;
  body.rtm_protocol = RTPROT_STATIC;
  body.rtm_scope = RT_SCOPE_UNIVERSE;
  body.rtm_type = RTN_UNICAST;
  body.rtm_flags = where == GatewayIs::direct ? RTNH_F_ONLINK : 0;
  Request request(type, flags, body);
  request.add(RTA_GATEWAY, gateway);
  request.add(RTA_OIF, ::if_nametoindex(interface.c_str()));
  return request;
}

}  // namespace

Result<std::string> first_interface() {
  using Interface = struct if_nameindex;  // which a function's name hides
  const std::unique_ptr<Interface, void (*)(Interface*)> all(::if_nameindex(), ::if_freenameindex);
  if (!all) return errno_error("cannot list the network interfaces", errno);
  const Interface* first = nullptr;
  for (const Interface* one = all.get(); one->if_index != 0; ++one) {
    if (std::string_view(one->if_name) != "lo" && (!first || one->if_index < first->if_index)) first = one;
  }
  if (first) return std::string(first->if_name);
  return Error{"cannot find a network interface: there is only lo; the image may lack the module virtio_net",
               ENODEV};
}

Result<void> add_address(const std::string& interface, const IpNetwork& address) {
  auto request = address_request(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, interface, address);
  return conclude(request.send(), EEXIST,
                  concat("cannot give ", interface, " the address ", format(address)));
}

Result<void> add_default_route(const std::string& interface, const IpAddress& gateway, GatewayIs where) {
  auto request = route_request(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, interface, gateway, where);
  return conclude(request.send(), EEXIST,
                  concat("cannot route through ", format(gateway), " on ", interface));
}

Result<void> remove_address(const std::string& interface, const IpNetwork& address) {
  auto request = address_request(RTM_DELADDR, 0, interface, address);
  return conclude(request.send(), EADDRNOTAVAIL,
                  concat("cannot take the address ", format(address), " from ", interface));
}

Result<void> remove_default_route(const std::string& interface, const IpAddress& gateway) {
  auto request = route_request(RTM_DELROUTE, 0, interface, gateway, GatewayIs::within_a_network);
  return conclude(request.send(), ESRCH,
                  concat("cannot stop routing through ", format(gateway), " on ", interface));
}

}  // namespace kestrel::sys
