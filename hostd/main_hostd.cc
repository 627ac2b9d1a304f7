// hostd: the host's side, one process a VM. See `hostd --help`.
#include "hostd/cli/hostd_command_line.h"
#include "kestrel/sys/log_output.h"

int main(int argc, char** argv) {
  kestrel::sys::log_to_stderr(kestrel::sys::LogFormat::text, kestrel::LogLevel::info);
  return kestrel::hostd::run_hostd_command_line(argc, argv);
}
