// hostd-tls: ends TLS for hostd, which starts it (hostd/tls/process.h); nobody else has a use for it.
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "hostd/exit_status.h"
#include "hostd/tls/identity.h"
#include "hostd/tls/process.h"
#include "hostd/tls/terminator.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/log_output.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/pass_fd.h"

namespace kestrel::hostd {

namespace {

Result<TlsContext> read_identity(const std::string& certificates_path, const std::string& key_path) {
  const auto certificates = sys::read_file(certificates_path);
  if (!certificates) return certificates.error();
  struct stat status {};
  if (::stat(key_path.c_str(), &status) == 0 && (status.st_mode & 07) != 0)
    return Error{concat("cannot use ", key_path, ": everybody can read it; chmod o= ", key_path)};
  const auto key = sys::read_file(key_path);
  if (!key) return key.error();
  auto context = make_tls_context(*certificates, *key);
  if (!context) return context.error().in(concat("cannot use ", certificates_path, " and ", key_path));
  return context;
}

/// From here on nothing that it could be made to do reaches beyond its descriptors. `account` is UID:GID.
Result<void> give_up_rights(std::string_view account) {
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (!account.empty()) {
    const auto colon = account.find(':');
    const auto uid = parse_integer(account.substr(0, colon));
    const auto gid = parse_integer(account.substr(colon + 1));
    if (!uid || !gid) return Error{concat("cannot become `", account, "`: it is not UID:GID")};
    const auto user = static_cast<uid_t>(*uid);
    const auto group = static_cast<gid_t>(*gid);
    if (::setgroups(0, nullptr) != 0 || ::setresgid(group, group, group) != 0 ||
        ::setresuid(user, user, user) != 0) {
      return errno_error(concat("cannot become ", account), errno);
    }
  }
  // A change of user takes back what was asked for before.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  // Neither a core nor another process of this user gets to see the key.
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return {};
}

void say(std::string_view text) {
  ::send(tls_process::hostd_fd, text.data(), std::min(text.size(), sys::longest_fd_message), MSG_NOSIGNAL);
}

Result<void> terminate_tls(const std::string& certificates, const std::string& key,
                           std::string_view account) {
  auto context = read_identity(certificates, key);
  if (!context) return context.error();
  // Each connection takes two, and those on their way to hostd a third.
  sys::use_all_open_files();
  if (const auto given_up = give_up_rights(account); !given_up) return given_up;
  loop::Loop loop;
  loop::FdWatcher hostd(loop, tls_process::hostd_fd, [&](loop::Interest) { loop.stop(); });
  hostd.watch({.readable = true});
  TlsTerminator terminator(loop, std::move(*context), {}, [](sys::UniqueFd plain) {
    // Where hostd does not take it, the client finds it closed.
    if (const auto sent = sys::send_fd(tls_process::hostd_fd, tls_process::connection, plain); !sent)
      log_warning("cannot pass a connection on to hostd: ", sent.error().message);
  });
  terminator.listen(sys::UniqueFd(tls_process::listening_fd));
  say(tls_process::ready);
  loop.run();
  return {};
}

}  // namespace

}  // namespace kestrel::hostd

int main(int argc, char** argv) {
  using namespace kestrel::hostd;
  kestrel::sys::log_to_stderr(kestrel::sys::LogFormat::text, kestrel::LogLevel::info);
  struct stat hostd {};
  if (argc < 3 || argc > 4 || ::fstat(tls_process::hostd_fd, &hostd) != 0 || !S_ISSOCK(hostd.st_mode)) {
    kestrel::log_error("cannot run by hand: hostd starts it; see `hostd serve --help`");
    return to_status(ExitCode::usage);
  }
  const auto done = terminate_tls(argv[1], argv[2], argc == 4 ? argv[3] : "");
  if (done) return 0;
  say(done.error().message);
  return to_status(ExitCode::host_error);
}
