// A loop for a test, which runs it until something holds and never waits for ever; and the ends of sockets to
// talk over.
#pragma once

#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

class LoopBench {
 public:
  /// Rounds of the loop until `done`, or so many that it never will be.
  template <typename Done>
  void run_until(Done done) {
    bool ticks = true;
    loop::Timer tick(loop, [&] { ticks = true; });
    for (int round = 0; round < 2000 && !done(); ++round) {
      if (std::exchange(ticks, false)) tick.arm(milliseconds(1));
      loop.run_once();
    }
    CHECK(done());
  }

  /// So many rounds that everything that is due has happened.
  void settle() {
    for (int round = 0; round < 8; ++round) {
      loop.post([] {});
      loop.run_once();
    }
  }

  loop::Loop loop;
};

/// What has arrived at a socket, without waiting.
class Inbox {
 public:
  explicit Inbox(int fd) : fd_(fd) {}
  /// Whether the peer has closed.
  bool pull() {
    char buffer[4096];
    ssize_t count = 0;
    while ((count = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) {
      received_.append(buffer, static_cast<std::size_t>(count));
    }
    return count == 0 || (errno != EAGAIN && errno != EINTR);
  }
  [[nodiscard]] bool has(std::string_view part) {
    pull();
    return received_.find(part) != std::string::npos;
  }
  [[nodiscard]] const std::string& text() const { return received_; }

 private:
  int fd_;
  std::string received_;
};

}  // namespace kestrel::hostd
