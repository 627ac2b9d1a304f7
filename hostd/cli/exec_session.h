// The client's end of an exec's stream: standard input there, output back, signals and the window's size
// through, until the exec tells how it ended.
//
// Nothing is ever waited for but in one poll(): an output that nobody takes holds up the exec, never the
// signs of life. What comes is written to its output from the buffer it was received into.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/cli/outlet.h"
#include "hostd/cli/terminal_mode.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/client.h"
#include "kestrel/wire/exec_messages.h"
#include "kestrel/wire/stream_frames.h"

namespace kestrel::hostd {

struct ExecSessionOptions {
  bool passes_input = false;
  bool has_terminal = false;  ///< of the exec; with passes_input ours becomes raw
  /// Whether the guest stands still, and so can show no sign of life. Asked when it has shown none for a
  /// while.
  std::function<bool()> stands_still = [] { return false; };
};

class ExecSession {
 public:
  /// From now on signals are taken for the exec, until the process ends.
  ExecSession(wire::ApiClient::Upgraded connection, const ExecSessionOptions& options);
  ExecSession(const ExecSession&) = delete;
  ExecSession& operator=(const ExecSession&) = delete;

  /// How the exec ended. Error code EPIPE: nobody takes the output; all others: it was lost.
  [[nodiscard]] Result<wire::ExecExit> run();

  /// Bytes of output that came.
  [[nodiscard]] std::uint64_t received() const { return received_; }

 private:
  [[nodiscard]] int poll_timeout() const;
  void wait();
  void take_turn();
  void receive();
  void unpack();
  void handle(const wire::Frame& frame);
  void write_output();
  void read_input();
  void handle_signals();
  void pass_signal(int signal);
  void send(wire::FrameType type, std::string_view payload = {}, std::uint8_t flags = 0);
  void send_now(std::string_view bytes);
  void flush();
  void fail(Error error);

  [[nodiscard]] Outlet& outlet_of(wire::FrameType stream) {
    return stream == wire::FrameType::standard_error ? error_ : output_;
  }

  sys::UniqueFd socket_;
  bool has_terminal_;
  bool reads_input_;
  std::function<bool()> stands_still_;
  TerminalMode terminal_;
  sys::UniqueFd signals_;
  Outlet output_;
  Outlet error_;
  wire::FrameReader reader_;
  wire::Keepalive keepalive_;
  std::uint64_t window_ = 0;  ///< of standard input
  std::uint64_t received_ = 0;
  std::string unsent_;
  std::vector<char> buffer_;
  std::string_view unread_;  ///< of the buffer
  wire::Frame pending_;      ///< of which the payload is still to be written
  std::optional<wire::ExecExit> exit_;
  std::optional<Error> failure_;
};

}  // namespace kestrel::hostd
