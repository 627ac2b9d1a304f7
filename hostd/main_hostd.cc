// hostd: the host's side, one process a VM. See `hostd --help`.
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "hostd/runner/pipe_observer.h"
#include "hostd/runner/run_vm.h"
#include "hostd/vsock/command.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/log_output.h"

namespace {

using namespace kestrel;
using namespace kestrel::hostd;

constexpr std::string_view help =
    R"(usage: hostd vm SPEC        run the VM of a vm.json (`-`: from stdin) until it ends
       hostd vsock ...      the vsock device alone, for any QEMU (hostd vsock --help)
       hostd --version

`hostd vm` prints its progress on stdout as lines of JSON and logs to stderr. SIGTERM and SIGINT shut the guest down in
order, a second one ends it by force. It exits with the guest's status; see docs for its own ones (116 to 127).
)";

int run_from_spec(const std::string& path) {
  const TscMeter tsc;
  const auto text = path == "-"
                        ? Result<std::string>(std::string(std::istreambuf_iterator<char>(std::cin), {}))
                        : sys::read_file(path);
  if (!text) {
    log_error(text.error().message);
    return to_status(ExitCode::host_error);
  }
  const auto spec = parse_vm_spec(*text);
  if (!spec) {
    log_error(spec.error().message);
    return to_status(ExitCode::host_error);
  }
  loop::Loop loop;
  PipeObserver observer(STDOUT_FILENO);
  const Outcome outcome = run_vm(loop, *spec, observer, tsc, AfterEnd::keep_logs);
  if (!outcome.message.empty()) log_error("cannot run ", spec->name, ": ", outcome.message);
  return outcome.status;
}

}  // namespace

int main(int argc, char** argv) {
  sys::log_to_stderr(sys::LogFormat::text, LogLevel::info);
  const std::span<char* const> arguments(argv + 1, argv + argc);
  const std::string_view command = arguments.empty() ? "--help" : arguments.front();
  if (command == "vm" && arguments.size() == 2) return run_from_spec(arguments[1]);
  if (command == "vsock") return vsock::run_vsock_command(arguments.subspan(1));
  if (command == "--version") {
    std::puts("hostd " KESTREL_VERSION);
    return 0;
  }
  const bool is_help = command == "--help" || command == "-h";
  std::fputs(std::string(help).c_str(), is_help ? stdout : stderr);
  return is_help ? 0 : to_status(ExitCode::usage);
}
