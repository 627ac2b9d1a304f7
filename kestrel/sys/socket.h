// Sockets of the three families, made ready for a loop: non-blocking, close-on-exec.
#pragma once

#include <cstdint>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// Longest path a Unix socket can have on Linux (sun_path is 108 bytes with its final NUL).
inline constexpr std::size_t longest_unix_path = 107;

/// A listening Unix socket with permissions `mode`. A stale socket file (nobody accepts) is replaced; one
/// that is served is an error.
[[nodiscard]] Result<UniqueFd> listen_unix(const std::string& path, unsigned mode);
/// connect() is done or under way (Connector waits). A full backlog is an error (EAGAIN).
[[nodiscard]] Result<UniqueFd> connect_unix(const std::string& path);

/// `address` is a numeric IPv4 or IPv6 address. Port 0 picks a free one (bound_tcp_port tells which).
[[nodiscard]] Result<UniqueFd> listen_tcp(const std::string& address, std::uint16_t port);
[[nodiscard]] Result<std::uint16_t> bound_tcp_port(const UniqueFd& socket);
[[nodiscard]] Result<UniqueFd> connect_tcp(const std::string& address, std::uint16_t port);

/// VMADDR_PORT_ANY of vsock(7): the kernel picks a free port (bound_vsock_port tells which).
inline constexpr std::uint32_t any_vsock_port = 0xffffffff;
/// How long a peer may take to accept, unless told otherwise: what Linux uses
/// (VSOCK_DEFAULT_CONNECT_TIMEOUT).
inline constexpr Duration vsock_connect_time = seconds(2);

/// In a guest, and on a host whose kernel plays its guests' devices. `listen_vsock` binds VMADDR_CID_ANY.
[[nodiscard]] Result<UniqueFd> listen_vsock(std::uint32_t port);
[[nodiscard]] Result<std::uint32_t> bound_vsock_port(const UniqueFd& socket);
[[nodiscard]] Result<UniqueFd> connect_vsock(std::uint32_t cid, std::uint32_t port,
                                             Duration limit = vsock_connect_time);
/// The same in packets that keep their bounds (SOCK_SEQPACKET); an error where the kernel or the device has
/// none.
[[nodiscard]] Result<UniqueFd> connect_vsock_packets(std::uint32_t cid, std::uint32_t port);
/// The CID of a connected vsock peer; nullopt-like error for other families.
[[nodiscard]] Result<std::uint32_t> vsock_peer_cid(int fd);

/// Sends segments at once (TCP_NODELAY); silently nothing on other families.
void disable_nagle(int fd);
/// Only whole segments are sent (TCP_CORK), until uncork() sends the rest. False: this is not TCP.
[[nodiscard]] bool cork(int fd);
void uncork(int fd);

}  // namespace kestrel::sys
