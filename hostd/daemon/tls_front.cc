#include "hostd/daemon/tls_front.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "hostd/own_folder.h"
#include "hostd/tls/process.h"
#include "hostd/vmm/confinement.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/pass_fd.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

namespace {

constexpr Duration start_limit = seconds(10);
constexpr Duration restart_delay = seconds(1);

/// The account that it is to become, as its argument.
Result<std::string> account_argument() {
  const auto account = choose_confined_account();
  if (!account) return account.error();
  return *account ? concat((*account)->uid, ':', (*account)->gid) : std::string();
}

}  // namespace

TlsFront::TlsFront(loop::Loop& loop, TlsFiles files, sys::UniqueFd socket, Taker take)
    : loop_(loop),
      files_(std::move(files)),
      socket_(std::move(socket)),
      take_(std::move(take)),
      retry_(loop, [this] {
        if (const auto spawned = spawn(); !spawned) {
          log_error(spawned.error().message);
          retry_.arm(restart_delay);
        }
      }) {}

Result<void> TlsFront::start() {
  if (const auto spawned = spawn(); !spawned) return spawned;
  pollfd channel{channel_.get(), POLLIN, 0};
  if (::poll(&channel, 1, static_cast<int>(start_limit / milliseconds(1))) != 1)
    return Error{"cannot serve TLS: hostd-tls does not get ready"};
  const auto message = sys::receive_fd(channel_.get());
  if (!message) return message.error().in("cannot serve TLS");
  if (message->bytes.empty()) return Error{"cannot serve TLS: hostd-tls ended"};
  if (message->bytes != tls_process::ready) return Error{message->bytes}.in("cannot serve TLS");
  return {};
}

Result<void> TlsFront::spawn() {
  const std::string program = find_installed({"hostd-tls", "../lib/kestrel/hostd-tls"});
  if (program.empty())
    return Error{"cannot find the program hostd-tls, which belongs beside hostd or into lib/kestrel"};
  const auto account = account_argument();
  if (!account) return account.error();
  std::array<int, 2> pair{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair.data()) != 0)
    return errno_error("cannot make a socket for hostd-tls", errno);
  channel_ = sys::UniqueFd(pair[0]);
  const sys::UniqueFd theirs(pair[1]);

  sys::ProcessSpec process;
  process.program = program;
  process.argv = {"hostd-tls", files_.certificates, files_.key};
  if (!account->empty()) process.argv.push_back(*account);
  process.working_dir = std::filesystem::current_path();
  process.stdio = {-1, STDERR_FILENO, STDERR_FILENO};
  process.inherited = {socket_.get(), theirs.get()};
  process.limits.core = Bytes{};
  const auto child = sys::spawn(process);
  if (!child) return child.error();
  if (const auto failure = sys::exec_outcome(*child))
    return errno_error(concat("cannot start ", program), failure->error);
  watcher_ = loop::FdWatcher(loop_, channel_.get(), [this](loop::Interest) { receive(); });
  watcher_.watch({.readable = true});
  return {};
}

void TlsFront::receive() {
  auto message = sys::receive_fd(channel_.get());
  if (!message && message.error().code == EAGAIN) return;
  if (!message || message->bytes.empty()) {
    log_warning("hostd-tls has ended; it is started again");
    watcher_.watch({});
    return retry_.arm(restart_delay);
  }
  if (message->bytes == tls_process::connection && message->fd.is_open())
    return take_(std::move(message->fd));
  if (message->bytes != tls_process::ready) log_error("cannot serve TLS: ", message->bytes);
}

}  // namespace kestrel::hostd
