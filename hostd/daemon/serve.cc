#include "hostd/daemon/serve.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <optional>

#include "hostd/daemon/admission.h"
#include "hostd/daemon/api.h"
#include "hostd/daemon/systemd.h"
#include "hostd/exit_status.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view lock_file = "hostd.lock";
constexpr std::string_view token_name = "token";

/// One hostd a state folder. The lock ends with its process.
Result<sys::UniqueFd> lock_state(const std::string& state_dir) {
  if (const auto made = make_folders(state_dir); !made) return made.error();
  const std::string path = concat(state_dir, '/', lock_file);
  sys::UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.is_open()) return errno_error(concat("cannot open ", path), errno);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) return errno_error(concat("cannot lock ", path), errno);
  return Error{concat("cannot use ", state_dir, ": another hostd does"), EBUSY};
}

class Daemon {
 public:
  Daemon(loop::Loop& loop, Registry& registry, const ServeOptions& options)
      : loop_(loop),
        fleet_(loop, registry, options.surroundings),
        deployments_(loop, registry, fleet_),
        waits_(loop, fleet_),
        images_(options.state_dir + "/images"),
        installer_(loop),
        api_{loop,
             registry,
             fleet_,
             deployments_,
             waits_,
             images_,
             [this](const sys::UniqueFd& archive, ImageInstalled done) {
               installer_.install(archive, std::move(done));
             },
             sys::wall_now()},
        server_(
            loop, {},
            [this](const wire::Request& request, Responder responder) {
              handle_api(api_, request, std::move(responder));
            },
            is_api_body_in_pieces) {
    for (const int signal : {SIGINT, SIGTERM}) {
      signals_.emplace_back(loop, signal, [this, signal] {
        log_info(signal_name(signal), ": hostd ends; its VMs go on");
        loop_.stop();
      });
    }
  }

  Result<void> open(const ServeOptions& options) {
    if (const auto opened = fleet_.open(); !opened) return opened;
    if (const auto opened = deployments_.open(); !opened) return opened;
    if (const auto listening = listen_unix(options); !listening) return listening;
    return options.listen.empty() ? Result<void>() : listen_tcp(options);
  }

 private:
  Result<void> listen_unix(const ServeOptions& options) {
    auto socket = inherited_socket();
    if (!socket.is_open()) {
      auto made = sys::listen_unix(options.socket, 0600);
      if (!made) return made.error();
      socket = std::move(*made);
      log_info("hostd serves ", options.socket);
    }
    server_.listen(std::move(socket), guard_by_peer());
    return {};
  }

  Result<void> listen_tcp(const ServeOptions& options) {
    const bool has_tls = !options.tls.certificates.empty();
    const auto address = parse_listen_address(options.listen, has_tls ? Transport::tls : Transport::plain);
    if (!address) return address.error();
    const std::string token_path =
        options.token_file.empty() ? concat(options.state_dir, '/', token_name) : options.token_file;
    auto token = read_or_make_token(token_path);
    if (!token) return token.error();
    auto socket = sys::listen_tcp(address->address, address->port);
    if (!socket) return socket.error();
    const auto port = sys::bound_tcp_port(*socket);
    if (!port) return port.error();
    auto guard = guard_by_token(std::move(*token));
    if (!has_tls) {
      server_.listen(std::move(*socket), std::move(guard));
    } else if (const auto started = listen_tls(options.tls, std::move(*socket), std::move(guard)); !started) {
      return started;
    }
    log_info("hostd serves ", has_tls ? "https" : "http", "://",
             options.listen.substr(0, options.listen.rfind(':')), ':', *port, "; its token is in ",
             token_path);
    return {};
  }

  Result<void> listen_tls(const TlsFiles& files, sys::UniqueFd socket, HttpServer::Guard guard) {
    tls_.emplace(loop_, files, std::move(socket),
                 [this, shared = std::make_shared<const HttpServer::Guard>(std::move(guard))](
                     sys::UniqueFd connection) { server_.take(std::move(connection), shared); });
    return tls_->start();
  }

  loop::Loop& loop_;
  Fleet fleet_;
  Deployments deployments_;
  Waits waits_;
  Store images_;
  ImageInstaller installer_;
  ApiContext api_;
  HttpServer server_;
  std::optional<TlsFront> tls_;
  std::vector<loop::SignalWatcher> signals_;
};

Result<void> run(const ServeOptions& options) {
  const auto lock = lock_state(options.state_dir);
  if (!lock) return lock.error();
  if (const auto made = make_folders(options.surroundings.vms_dir); !made) return made.error();
  auto registry = Registry::open(registry_path(options.state_dir));
  if (!registry) return registry.error();
  // Each client and each VM takes some.
  sys::use_all_open_files();
  loop::Loop loop;
  Daemon daemon(loop, *registry, options);
  if (const auto opened = daemon.open(options); !opened) return opened;
  notify_systemd("READY=1");
  loop.run();
  notify_systemd("STOPPING=1");
  return {};
}

}  // namespace

std::string hostd_socket_path() {
  const std::string dir = vms_dir();
  return concat(dir.substr(0, dir.rfind('/')), "/hostd.sock");
}

int serve(const ServeOptions& options) {
  const auto served = run(options);
  if (served) return 0;
  log_error(served.error().message);
  return to_status(ExitCode::host_error);
}

}  // namespace kestrel::hostd
