#include "kestrel/control/exec_input.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kestrel/wire/stream_frames.h"

namespace kestrel::control {

namespace {

/// Granted at once, so that there are few frames of it.
constexpr std::size_t least_grant = wire::stdin_window / 4;
/// What terminals take for the end of input unless they are told another one (termios(3), VEOF).
constexpr char end_of_transmission = 4;

}  // namespace

ExecInput::ExecInput(loop::Loop& loop, sys::UniqueFd fd, Kind kind, Callbacks callbacks)
    : fd_(std::move(fd)),
      kind_(kind),
      callbacks_(std::move(callbacks)),
      watcher_(loop, fd_.get(), [this](loop::Interest) { flush(); }) {}

std::size_t ExecInput::open_window() {
  owed_ = 0;
  return allowed_ = wire::stdin_window - std::min(wire::stdin_window, waiting_.size());
}

bool ExecInput::write(std::string_view bytes) {
  if (bytes.size() > allowed_) return false;
  allowed_ -= bytes.size();
  if (has_end_ || !fd_.is_open()) {
    taken(bytes.size());
    return true;
  }
  const auto written = waiting_.empty() ? write_now(bytes) : 0;
  waiting_.append(bytes.substr(written));
  if (!waiting_.empty()) watcher_.watch({.writable = true});
  return true;
}

void ExecInput::end() {
  if (std::exchange(has_end_, true) || !fd_.is_open()) return;
  if (kind_ == Kind::terminal) waiting_.push_back(end_of_transmission);
  flush();
}

void ExecInput::flush() {
  if (!fd_.is_open()) return;
  waiting_.erase(0, write_now(waiting_));
  watcher_.watch({.writable = !waiting_.empty()});
  if (!waiting_.empty()) return;
  std::string().swap(waiting_);  // an assignment would keep the memory
  if (has_end_ && kind_ == Kind::pipe) close();
}

/// How much of it is out of the way: taken by the program, or dropped because it reads no more.
std::size_t ExecInput::write_now(std::string_view bytes) {
  if (bytes.empty()) return 0;
  const ssize_t count = ::write(fd_.get(), bytes.data(), bytes.size());
  if (count < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
  if (count < 0) {
    close();
    taken(bytes.size());
    callbacks_.on_closed();
    return bytes.size();
  }
  taken(static_cast<std::size_t>(count));
  return static_cast<std::size_t>(count);
}

void ExecInput::taken(std::size_t count) {
  owed_ += count;
  if (owed_ < least_grant) return;
  allowed_ += owed_;
  callbacks_.on_grant(std::exchange(owed_, 0));
}

void ExecInput::close() {
  watcher_ = {};
  fd_.reset();
}

}  // namespace kestrel::control
