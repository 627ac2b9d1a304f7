// `hostd serve`: the daemon. Everything it knows is in its registry, and everything that runs belongs to
// runners: it can end at any moment, and its successor finds all of it again.
#pragma once

#include <string>

#include "hostd/daemon/tls_front.h"
#include "hostd/vm_request.h"

namespace kestrel::hostd {

struct ServeOptions {
  std::string state_dir;
  std::string socket;      ///< hostd.sock; where systemd hands one over (LISTEN_FDS), that is used instead
  std::string listen;      ///< ADDRESS:PORT; empty: no TCP
  std::string token_file;  ///< empty: `token` in the state folder
  TlsFiles tls;            ///< for TCP
  Surroundings surroundings;
};

/// Serves until SIGTERM or SIGINT, which leave the VMs alone. Returns the exit status.
[[nodiscard]] int serve(const ServeOptions& options);

/// Where hostd is reached: hostd.sock in the runtime root.
[[nodiscard]] std::string hostd_socket_path();

}  // namespace kestrel::hostd
