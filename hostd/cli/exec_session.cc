#include "hostd/cli/exec_session.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/ignored_signals.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t buffer_size = 256 * 1024;
/// Of a program that runs in front of somebody; it may do with them what it likes.
constexpr std::array passed_on{SIGINT, SIGTERM, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

/// Those that a caller has us ignore (nohup) stay ignored.
sys::UniqueFd take_signals(bool has_terminal) {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : passed_on) sigaddset(&taken, signal);
  if (has_terminal) {
    sigaddset(&taken, SIGWINCH);
    sigaddset(&taken, SIGTSTP);
  }
  sys::ignore_signal(SIGPIPE);
  ::sigprocmask(SIG_BLOCK, &taken, nullptr);
  return sys::UniqueFd(::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
}

bool is_worth_retrying(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

ExecSession::ExecSession(wire::ApiClient::Upgraded connection, const ExecSessionOptions& options)
    : socket_(std::move(connection.socket)),
      has_terminal_(options.has_terminal),
      reads_input_(options.passes_input),
      stands_still_(options.stands_still),
      terminal_(STDIN_FILENO),
      signals_(take_signals(options.has_terminal)),
      output_(STDOUT_FILENO),
      error_(STDERR_FILENO),
      keepalive_(sys::monotonic_now()),
      buffer_(std::max(buffer_size, connection.received.size())) {
  std::copy(connection.received.begin(), connection.received.end(), buffer_.begin());
  unread_ = {buffer_.data(), connection.received.size()};
  if (options.has_terminal && options.passes_input) terminal_.make_raw();
}

Result<wire::ExecExit> ExecSession::run() {
  unpack();
  while (!exit_ && !failure_) {
    wait();
    if (sys::monotonic_now() >= keepalive_.deadline()) take_turn();
  }
  terminal_.restore();
  if (exit_) return *exit_;
  return *failure_;
}

void ExecSession::fail(Error error) {
  if (!failure_) failure_ = std::move(error);
}

// --- waiting ----------------------------------------------------------------------------------------------

int ExecSession::poll_timeout() const {
  const auto left = to_ms(keepalive_.deadline() - sys::monotonic_now()) + 1;
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, INT_MAX));
}

/// A descriptor that is not looked at is left out: its hang-up would wake us for ever.
void ExecSession::wait() {
  const bool is_stalled = !pending_.payload.empty();
  const bool may_read_input = reads_input_ && window_ > 0 && unsent_.empty();
  const auto socket_events = static_cast<short>((is_stalled ? 0 : POLLIN) | (unsent_.empty() ? 0 : POLLOUT));
  std::array<pollfd, 4> waiting{
      pollfd{socket_events != 0 ? socket_.get() : -1, socket_events, 0},
      pollfd{may_read_input ? STDIN_FILENO : -1, POLLIN, 0},
      pollfd{signals_.get(), POLLIN, 0},
      pollfd{is_stalled ? outlet_of(pending_.type).fd() : -1, POLLOUT, 0},
  };
  if (::poll(waiting.data(), waiting.size(), poll_timeout()) <= 0) return;
  if (waiting[2].revents != 0) handle_signals();
  if (waiting[3].revents != 0) {
    write_output();
    unpack();
  }
  if ((waiting[0].revents & POLLOUT) != 0) flush();
  if ((waiting[0].revents & ~POLLOUT) != 0 && !is_stalled) receive();
  if (waiting[1].revents != 0) read_input();
}

void ExecSession::take_turn() {
  // Who does not look cannot say that there was nothing, and who stands still cannot say anything.
  if (!pending_.payload.empty() || (keepalive_.is_quiet() && stands_still_())) keepalive_.heard();
  switch (keepalive_.turn(sys::monotonic_now())) {
    case wire::Keepalive::Due::dead:
      return fail({"the guest gives no sign of life", ETIMEDOUT});
    case wire::Keepalive::Due::send:
      if (unsent_.empty()) send(wire::FrameType::keepalive);
      return;
    case wire::Keepalive::Due::nothing:
      return;
  }
}

// --- from the guest ---------------------------------------------------------------------------------------

void ExecSession::receive() {
  const ssize_t count = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
  if (count < 0 && is_worth_retrying(errno)) return;
  if (count < 0) return fail(errno_error("the connection broke", errno));
  if (count == 0) return fail({"the connection was closed", ECONNRESET});
  keepalive_.heard();
  unread_ = {buffer_.data(), static_cast<std::size_t>(count)};
  unpack();
}

/// Until an output takes no more.
void ExecSession::unpack() {
  while (pending_.payload.empty() && !exit_ && !failure_) {
    const auto frame = reader_.next(unread_);
    if (!frame) return fail(frame.error());
    if (!*frame) return;
    handle(**frame);
  }
}

void ExecSession::handle(const wire::Frame& frame) {
  switch (frame.type) {
    case wire::FrameType::standard_output:
    case wire::FrameType::standard_error:
      received_ += frame.payload.size();
      pending_ = frame;
      return write_output();
    case wire::FrameType::window:
      window_ += wire::parse_window(frame.payload).value_or(0);
      return;
    case wire::FrameType::end_of_file:
      // Standard input that the program reads no more; its outputs' ends are told by the exit.
      if (frame.flags == static_cast<std::uint8_t>(wire::FrameType::standard_input)) reads_input_ = false;
      return;
    case wire::FrameType::exit: {
      const auto exit = wire::parse_exec_exit(frame.payload);
      if (!exit) return fail(exit.error());
      exit_ = *exit;
      return;
    }
    case wire::FrameType::error:
      return fail({wire::parse_error_json(frame.payload), ECANCELED});
    case wire::FrameType::gap:
      if (const auto gap = wire::parse_gap(frame.payload)) {
        received_ += gap->last - gap->first + 1;
        const auto told = concat("kestrelctl: ", gap->last - gap->first + 1, " bytes of output are lost\n");
        [[maybe_unused]] const auto ignored = error_.write(told);
      }
      return;
    case wire::FrameType::standard_input:
    case wire::FrameType::resize:
    case wire::FrameType::signal:
    case wire::FrameType::keepalive:
      return;
  }
}

void ExecSession::write_output() {
  while (!pending_.payload.empty()) {
    const auto written = outlet_of(pending_.type).write(pending_.payload);
    if (!written) return fail(written.error());
    if (*written == 0) return;
    pending_.payload.remove_prefix(*written);
  }
}

// --- to the guest -----------------------------------------------------------------------------------------

void ExecSession::read_input() {
  std::array<char, wire::frame_header_size + wire::longest_payload> frame;
  const auto most = std::min<std::uint64_t>(window_, wire::longest_payload);
  const ssize_t count = ::read(STDIN_FILENO, frame.data() + wire::frame_header_size, most);
  if (count < 0 && is_worth_retrying(errno)) return;
  if (count <= 0) {  // a terminal that is gone reads as an error
    reads_input_ = false;
    return send(wire::FrameType::end_of_file, {}, static_cast<std::uint8_t>(wire::FrameType::standard_input));
  }
  const auto length = static_cast<std::size_t>(count);
  window_ -= length;
  wire::write_frame_header(frame.data(), wire::FrameType::standard_input, 0, length);
  send_now({frame.data(), wire::frame_header_size + length});
}

void ExecSession::handle_signals() {
  signalfd_siginfo came{};
  while (::read(signals_.get(), &came, sizeof came) == sizeof came)
    pass_signal(static_cast<int>(came.ssi_signo));
}

void ExecSession::pass_signal(int signal) {
  if (signal == SIGTSTP) {
    terminal_.restore();
    ::raise(SIGSTOP);
    if (reads_input_) terminal_.make_raw();
    signal = SIGWINCH;
  }
  if (signal != SIGWINCH) return send(wire::FrameType::signal, wire::signal_json(signal));
  if (const auto size = terminal_size(STDIN_FILENO)) send(wire::FrameType::resize, wire::to_json(*size));
}

void ExecSession::send(wire::FrameType type, std::string_view payload, std::uint8_t flags) {
  send_now(wire::encode_frame(type, payload, flags));
}

/// Behind what waits already.
void ExecSession::send_now(std::string_view bytes) {
  if (!unsent_.empty()) {
    unsent_.append(bytes);
    return;
  }
  const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  // A connection that broke is told by reading, behind what had still come.
  if (count < 0 && !is_worth_retrying(errno)) return;
  unsent_.assign(bytes.substr(static_cast<std::size_t>(std::max<ssize_t>(count, 0))));
}

void ExecSession::flush() {
  const std::string waiting = std::exchange(unsent_, {});
  send_now(waiting);
}

}  // namespace kestrel::hostd
