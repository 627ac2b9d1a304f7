// What the loop's tests share: connected descriptors, and rounds of the loop with a bound instead of a clock.
#pragma once

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <string>

#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::loop::test {

struct Pair {
  sys::UniqueFd near;
  sys::UniqueFd far;
};

inline Pair socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return {};
  return {sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
}

/// near reads what far is written.
inline Pair pipe_pair() {
  int fds[2];
  if (::pipe2(fds, O_CLOEXEC) != 0) return {};
  return {sys::UniqueFd(fds[0]), sys::UniqueFd(fds[1])};
}

/// Runs rounds until `is_done`; false if that takes more rounds than any test here needs.
inline bool run_until(Loop& loop, const std::function<bool()>& is_done, int rounds = 10'000) {
  while (!is_done() && rounds-- > 0) loop.run_once();
  return is_done();
}

/// Lets everything happen that is due already.
inline void settle(Loop& loop) {
  for (int i = 0; i < 3; ++i) {
    bool has_run = false;
    loop.post([&] { has_run = true; });
    run_until(loop, [&] { return has_run; });
  }
}

inline bool write_text(const sys::UniqueFd& fd, std::string_view text) {
  return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// What can be read now, without waiting.
inline std::string read_available(const sys::UniqueFd& fd) {
  ::fcntl(fd.get(), F_SETFL, O_NONBLOCK);
  std::string text;
  char buffer[65536];
  for (ssize_t n; (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(n));
  return text;
}

}  // namespace kestrel::loop::test
