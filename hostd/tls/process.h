// What hostd and its program hostd-tls agree on. Neither the key nor what strangers send over TLS is in the
// daemon's memory: the program that has both has no rights, and gives hostd what it has decrypted.
//
//   hostd-tls CERTIFICATES KEY [UID:GID]
//
// The files are in PEM (make_tls_context). It gets two descriptors besides: the listening TCP socket, and a
// SOCK_SEQPACKET socket to hostd. There it says `ready`, or what is wrong before it ends. Each message after
// that is `connection`, with the plain side of a client's beside it. When hostd ends, it ends.
#pragma once

#include <string_view>

#include "kestrel/sys/process.h"

namespace kestrel::hostd::tls_process {

inline constexpr int listening_fd = sys::first_inherited;
inline constexpr int hostd_fd = sys::first_inherited + 1;
inline constexpr std::string_view ready = "ready";
inline constexpr std::string_view connection = "connection";

}  // namespace kestrel::hostd::tls_process
