// The commands that ask a running VM: its runner over runner.sock, or the guest itself over api.sock. Logs
// and the way it ended are also there after a detached VM's end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "hostd/cli/output_format.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// Where a reader has stopped: it goes on behind a record's number, of one run of the VM where that is named.
struct ResumePoint {
  std::string runtime_id;  ///< empty: whichever run it is
  std::uint64_t seq = 0;
};
/// `SEQ` or `RUNTIME_ID:SEQ`.
[[nodiscard]] Result<ResumePoint> parse_resume_point(std::string_view text);

struct LogOptions {
  std::string service;
  std::string after;  ///< a resume point; empty: from the oldest record that is there
  std::optional<std::uint64_t> lines;
  bool follows = false;
};

[[nodiscard]] int status_command(const std::string& name, OutputFormat format);
[[nodiscard]] int services_command(const std::string& name, OutputFormat format);
/// Only their names, one a line.
[[nodiscard]] int service_names_command(const std::string& name);
[[nodiscard]] int logs_command(const std::string& name, const LogOptions& options, OutputFormat format);
[[nodiscard]] int events_command(const std::string& name, const LogOptions& options, OutputFormat format);
[[nodiscard]] int list_command(OutputFormat format);
/// Only the names, one a line; nobody is asked for them.
[[nodiscard]] int list_names_command();

struct StopOptions {
  bool is_forced = false;
  bool removes = false;  ///< the logs that a detached VM leaves behind
};
/// Waits for the end; the exit status is 0 when it has ended, however.
[[nodiscard]] int stop_command(const std::string& name, const StopOptions& options);

}  // namespace kestrel::hostd
