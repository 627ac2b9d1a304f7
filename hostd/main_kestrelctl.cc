// kestrelctl: the command line. See `kestrelctl --help`.
#include "hostd/cli/command_line.h"
#include "kestrel/sys/log_output.h"

int main(int argc, char** argv) {
  kestrel::sys::log_to_stderr(kestrel::sys::LogFormat::text, kestrel::LogLevel::warning);
  return kestrel::hostd::run_command_line(argc, argv);
}
