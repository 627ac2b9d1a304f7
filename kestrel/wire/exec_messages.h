// What is asked of POST /v1/exec, and the JSON in the frames of its stream (stream_frames.h).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/wire/http.h"

namespace kestrel::wire {

struct TerminalSize {
  std::uint16_t rows = 24;
  std::uint16_t columns = 80;
  friend bool operator==(const TerminalSize&, const TerminalSize&) = default;
};

struct ExecRequest {
  std::string command;  ///< absolute, relative to the working folder, or a name looked up in PATH
  std::vector<std::string> args;
  std::vector<std::pair<std::string, std::string>> env;  ///< the last of a name counts
  std::string user;                                      ///< `USER` or `USER:GROUP`; empty: root
  std::string working_dir;                               ///< absolute; empty: `/`
  bool has_terminal = false;
  TerminalSize size;
  /// Without it reads /dev/null. Unset: where a client's stream begins with it, it has one.
  std::optional<bool> has_stdin;
  std::optional<Duration> timeout;
  bool is_detached = false;  ///< it outlives its clients
  friend bool operator==(const ExecRequest&, const ExecRequest&) = default;
};
/// The body of a request. Unknown members, wrong types and values that no process could get are errors.
[[nodiscard]] Result<ExecRequest> parse_exec_request(std::string_view body);
[[nodiscard]] std::string to_json(const ExecRequest& request);

/// How a program ended. One of `code` and `signal` counts: signal == 0 means that it exited with `code`.
struct ExecExit {
  int code = 0;
  int signal = 0;
  bool is_oom_kill = false;
  bool is_timeout = false;  ///< it was killed because its time was over
  friend bool operator==(const ExecExit&, const ExecExit&) = default;
};
[[nodiscard]] std::string to_json(const ExecExit& exit);
[[nodiscard]] Result<ExecExit> parse_exec_exit(std::string_view json);

/// Why a program could not be started: a problem of status 422 with two members of its own.
struct ExecFailure {
  std::string stage;  ///< a SpawnStage's name, `environment` or `fork`
  std::string cause;
  int error = 0;  ///< errno; 0: not of the kernel
  friend bool operator==(const ExecFailure&, const ExecFailure&) = default;
};
inline constexpr int exec_failure_status = 422;
[[nodiscard]] Response to_response(const ExecFailure& failure);
/// nullopt: an answer of another kind.
[[nodiscard]] std::optional<ExecFailure> read_exec_failure(const Response& response);

/// Of `resize`: {"rows":24,"cols":80}.
[[nodiscard]] std::string to_json(TerminalSize size);
[[nodiscard]] Result<TerminalSize> parse_terminal_size(std::string_view json);

/// Of `signal`: {"signal":"TERM"}, also a number.
[[nodiscard]] std::string signal_json(int signal);
[[nodiscard]] Result<int> parse_signal_json(std::string_view json);

/// Of `window`: {"bytes":65536}.
[[nodiscard]] std::string window_json(std::uint64_t bytes);
[[nodiscard]] Result<std::uint64_t> parse_window(std::string_view json);

/// Of `error`: {"message":"…"}.
[[nodiscard]] std::string error_json(std::string_view message);
[[nodiscard]] std::string parse_error_json(std::string_view json);

/// Of `gap`: {"first":0,"last":4095}, offsets of bytes of output that are lost.
struct OutputGap {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const OutputGap&, const OutputGap&) = default;
};
[[nodiscard]] std::string to_json(const OutputGap& gap);
[[nodiscard]] Result<OutputGap> parse_gap(std::string_view json);

}  // namespace kestrel::wire
