#include "hostd/vmm/vmm_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/vmm/confinement.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

/// What QEMU left in its sockets when it ended is there already; this only bounds the wait for the loop to
/// see it.
constexpr Duration drain_time = seconds(1);
constexpr std::size_t longest_stderr_tail = 4096;
struct SocketPair {
  sys::UniqueFd ours;
  sys::UniqueFd theirs;
};

Result<SocketPair> make_socket_pair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return errno_error("cannot create a socket pair", errno);
  }
  return SocketPair{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
}

Result<SocketPair> make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return errno_error("cannot create a pipe", errno);
  return SocketPair{sys::UniqueFd(ends[0]), sys::UniqueFd(ends[1])};
}

/// Everything QEMU is connected to.
struct Sockets {
  SocketPair console;
  SocketPair monitor;
  SocketPair errors;
  sys::UniqueFd people;
};

Result<Sockets> make_sockets(const std::string& qmp_path) {
  auto console = make_socket_pair();
  auto monitor = make_socket_pair();
  auto errors = make_pipe();
  for (const auto* pair : {&console, &monitor, &errors}) {
    if (!*pair) return pair->error();
  }
  ::unlink(qmp_path.c_str());
  auto people = sys::listen_unix(qmp_path, 0600);
  if (!people) return people.error();
  return Sockets{std::move(*console), std::move(*monitor), std::move(*errors), std::move(*people)};
}

/// Its messages are read here, so they have to be in English.
std::vector<std::string> vmm_environment() {
  std::vector<std::string> variables = sys::own_environment();
  std::erase_if(variables, [](std::string_view variable) { return variable.starts_with("LC_ALL="); });
  variables.emplace_back("LC_ALL=C");
  return variables;
}

/// Lets the process inherit `fd`; returns the number that it has there.
int hand_over(sys::ProcessSpec& process, int fd) {
  process.inherited.push_back(fd);
  return sys::first_inherited + static_cast<int>(process.inherited.size()) - 1;
}

/// Not open where QEMU, who is who we are, can open them by itself.
struct BootFiles {
  sys::UniqueFd kernel;
  sys::UniqueFd initramfs;
};

Result<BootFiles> open_boot_files(const VmSpec& spec, const sys::ProcessSpec& process) {
  if (!process.uid) return BootFiles{};
  auto kernel = open_for_all(spec.kernel);
  if (!kernel) return kernel.error();
  auto initramfs = open_for_all(spec.initramfs);
  if (!initramfs) return initramfs.error();
  return BootFiles{std::move(*kernel), std::move(*initramfs)};
}

void hand_over_all(sys::ProcessSpec& process, VmmFacts& facts, const Sockets& sockets,
                   const BootFiles& files) {
  const auto hand_over_if_any = [&](int fd) { return fd < 0 ? -1 : hand_over(process, fd); };
  facts.vsock.fd = hand_over(process, facts.vsock.fd);
  facts.console_fd = hand_over(process, sockets.console.theirs.get());
  facts.qmp_fd = hand_over(process, sockets.monitor.theirs.get());
  facts.people_fd = hand_over(process, sockets.people.get());
  facts.kernel_fd = hand_over_if_any(files.kernel.get());
  facts.initramfs_fd = hand_over_if_any(files.initramfs.get());
  for (DiskFds& disk : facts.disk_fds) {
    disk = {hand_over(process, disk.file), hand_over_if_any(disk.base)};
  }
  facts.card.tap_fd = hand_over_if_any(facts.card.tap_fd);
  for (int& fd : facts.held_fds) fd = hand_over(process, fd);
}

/// The last line that says something, without the `qemu-system-x86_64: ` in front.
std::string last_words(std::string_view text, std::string_view program) {
  const std::string_view name = program.substr(program.rfind('/') + 1);
  std::string_view last;
  for (const std::string_view line : split(text, '\n')) {
    if (!trim(line).empty()) last = trim(line);
  }
  if (last.starts_with(name) && last.substr(name.size()).starts_with(": "))
    last.remove_prefix(name.size() + 2);
  return printable(last);
}

}  // namespace

std::variant<std::unique_ptr<VmmProcess>, SpawnFailed> VmmProcess::start(loop::Loop& loop, const VmSpec& spec,
                                                                         VmmFacts facts,
                                                                         const std::string& qmp_path,
                                                                         VmmCallbacks callbacks) {
  std::unique_ptr<VmmProcess> vmm(new VmmProcess(loop, std::move(callbacks)));
  if (auto failure = vmm->spawn(spec, std::move(facts), qmp_path)) return *std::move(failure);
  return vmm;
}

std::optional<SpawnFailed> VmmProcess::spawn(const VmSpec& spec, VmmFacts facts,
                                             const std::string& qmp_path) {
  const auto failed = [](const Error& error) { return SpawnFailed{ExitCode::host_error, error.message}; };
  sys::ProcessSpec process;
  process.envp = vmm_environment();
  const auto program = sys::find_program(spec.program, process.envp);
  if (!program) {
    return SpawnFailed{program.error().code == EACCES ? ExitCode::vmm_refused : ExitCode::vmm_missing,
                       program.error().message};
  }
  auto sockets = make_sockets(qmp_path);
  if (!sockets) return failed(sockets.error());
  process.program = *program;
  process.stdio = {-1, sockets->errors.theirs.get(), sockets->errors.theirs.get()};
  process.parent_death_signal = SIGKILL;
  if (const auto confined = confine(process, facts.uses_kvm); !confined) return failed(confined.error());
  const auto boot_files = open_boot_files(spec, process);
  if (!boot_files) return failed(boot_files.error());
  hand_over_all(process, facts, *sockets, *boot_files);
  process.argv = qemu_command(spec, facts);

  // Before the child exists, so that its end cannot be missed.
  child_watcher_ = loop::SignalWatcher(loop_, SIGCHLD, [this] { child_changed(); });
  if (auto failure = start_child(process)) return failure;
  qmp_ = std::make_unique<Qmp>(loop_, std::move(sockets->monitor.ours),
                               [this](const QmpEvent& event) { callbacks_.on_event(event); });
  listen_to_console(std::move(sockets->console.ours));
  listen_to_stderr(std::move(sockets->errors.ours), *program);
  return std::nullopt;
}

std::optional<SpawnFailed> VmmProcess::start_child(const sys::ProcessSpec& process) {
  const auto child = sys::spawn(process);
  if (!child) return SpawnFailed{ExitCode::host_error, child.error().message};
  if (const auto failure = sys::exec_outcome(*child)) {
    sys::reap(child->pid);
    const bool is_missing = failure->stage == sys::SpawnStage::exec && failure->error == ENOENT;
    return SpawnFailed{is_missing ? ExitCode::vmm_missing : ExitCode::vmm_refused,
                       errno_error(concat("cannot start ", process.program), failure->error).message};
  }
  pid_ = child->pid;
  return std::nullopt;
}

void VmmProcess::listen_to_console(sys::UniqueFd console) {
  const auto ended = [this](const Error*) {
    has_console_ended_ = true;
    deliver_exit();
  };
  console_ = loop::Stream(loop_, std::move(console),
                          {.on_data = [this](std::string_view bytes) { callbacks_.on_console(bytes); },
                           .on_end = ended,
                           .on_drained = {}});
  console_.start_reading();
}

void VmmProcess::listen_to_stderr(sys::UniqueFd errors, const std::string& program) {
  const auto ended = [this, program](const Error*) {
    has_stderr_ended_ = true;
    stderr_tail_ = last_words(stderr_tail_, program);
    deliver_exit();
  };
  stderr_ = loop::Stream(
      loop_, std::move(errors),
      {.on_data = [this](std::string_view bytes) { take_stderr(bytes); }, .on_end = ended, .on_drained = {}});
  stderr_.start_reading();
}

VmmProcess::~VmmProcess() {
  if (pid_ < 0 || ended_) return;
  kill();
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED);
}

void VmmProcess::quit() {
  if (qmp_) qmp_->quit();
}

void VmmProcess::kill() {
  if (pid_ > 0 && !ended_) ::kill(pid_, SIGKILL);
}

void VmmProcess::pause() {
  if (qmp_) qmp_->pause();
}

void VmmProcess::resume() {
  if (qmp_) qmp_->resume();
}

/// Whatever children there are end here, until ours has: the next VMM's end is its own object's to see.
void VmmProcess::child_changed() {
  while (!ended_) {
    const auto child = sys::peek_ended_child();
    if (!child) return;
    if (child->pid == pid_) ended_ = child->status;
    sys::reap(child->pid);
  }
  drain_limit_ = loop::Timer(loop_, [this] {
    has_console_ended_ = has_stderr_ended_ = true;
    deliver_exit();
  });
  drain_limit_.arm(drain_time);
  deliver_exit();
}

void VmmProcess::take_stderr(std::string_view bytes) {
  log_debug("QEMU: ", printable(trim(bytes)));
  stderr_tail_.append(bytes);
  if (stderr_tail_.size() > longest_stderr_tail) {
    stderr_tail_.erase(0, stderr_tail_.size() - longest_stderr_tail);
  }
}

void VmmProcess::deliver_exit() {
  if (!ended_ || !has_console_ended_ || !has_stderr_ended_) return;
  drain_limit_.disarm();
  const auto on_exit = std::exchange(callbacks_.on_exit, {});
  if (on_exit) on_exit({ended_->code, ended_->signal, stderr_tail_});
}

}  // namespace kestrel::hostd
