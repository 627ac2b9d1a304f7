#include "kestrel/sys/packet_socket.h"

#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// More than any Ethernet without jumbo frames carries; a longer packet is cut off and thereby broken.
constexpr std::size_t longest_packet = 2048;

/// Classic BPF over a packet that begins with its IP header: UDP, not a later fragment, to this port.
Result<void> attach_filter(int socket, std::uint16_t port) {
  sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 9),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 6),
      BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 6),
      BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x1fff, 4, 0),
      BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 0),
      BPF_STMT(BPF_LD | BPF_H | BPF_IND, 2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, longest_packet),
      BPF_STMT(BPF_RET | BPF_K, 0),
  };
  const sock_fprog filter{.len = static_cast<unsigned short>(std::size(program)), .filter = program};
  if (::setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter) == 0) return {};
  return errno_error("cannot filter packets", errno);
}

sockaddr_ll link_address(int index) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_IP);
  address.sll_ifindex = index;
  return address;
}

bool is_checksum_left_out(const cmsghdr& header) {
  if (header.cmsg_level != SOL_PACKET || header.cmsg_type != PACKET_AUXDATA) return false;
  tpacket_auxdata data;
  std::memcpy(&data, CMSG_DATA(&header), sizeof data);
  return (data.tp_status & TP_STATUS_CSUMNOTREADY) != 0;
}

}  // namespace

Result<PacketSocket> PacketSocket::open(const std::string& interface, std::uint16_t udp_port) {
  const std::string what = concat("cannot open a packet socket on ", interface);
  const auto index = static_cast<int>(::if_nametoindex(interface.c_str()));
  if (index == 0) return errno_error(what, errno);
  // Of no protocol yet: it hears nothing before the filter is there.
  UniqueFd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.is_open()) return errno_error(what, errno);
  const int on = 1;
  if (::setsockopt(socket.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof on) != 0)
    return errno_error(what, errno);
  if (auto filtered = attach_filter(socket.get(), udp_port); !filtered) return filtered.error().in(what);
  const sockaddr_ll address = link_address(index);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error(what, errno);
  return PacketSocket(std::move(socket), interface, index);
}

Result<void> PacketSocket::send_to_all(std::string_view packet) const {
  sockaddr_ll address = link_address(index_);
  address.sll_halen = ETH_ALEN;
  std::memset(address.sll_addr, 0xff, ETH_ALEN);
  const auto* to = reinterpret_cast<const sockaddr*>(&address);
  if (::sendto(socket_.get(), packet.data(), packet.size(), 0, to, sizeof address) >= 0) return {};
  return errno_error(concat("cannot send on ", interface_), errno);
}

std::optional<PacketSocket::Packet> PacketSocket::receive() const {
  Packet packet;
  packet.bytes.resize(longest_packet);
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> control;
  iovec piece{packet.bytes.data(), packet.bytes.size()};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t count = ::recvmsg(socket_.get(), &message, 0);
  if (count < 0) return std::nullopt;
  packet.bytes.resize(static_cast<std::size_t>(count));
  for (const cmsghdr* one = CMSG_FIRSTHDR(&message); one;
       one = CMSG_NXTHDR(&message, const_cast<cmsghdr*>(one)))
    if (is_checksum_left_out(*one)) packet.has_checksum = false;
  return packet;
}

}  // namespace kestrel::sys
