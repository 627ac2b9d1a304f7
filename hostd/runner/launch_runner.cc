#include "hostd/runner/launch_runner.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

#include "hostd/own_folder.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// The spec travels as a file without a name: no second start of the same name can get hold of it.
Result<sys::UniqueFd> spec_as_stdin(const VmSpec& spec) {
  sys::UniqueFd file(::memfd_create("vm.json", MFD_CLOEXEC));
  const std::string text = to_json(spec);
  if (!file.is_open() || ::write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) ||
      ::lseek(file.get(), 0, SEEK_SET) != 0) {
    return errno_error("cannot pass on the VM's spec", errno);
  }
  return file;
}

}  // namespace

Result<sys::Child> launch_runner(const VmSpec& spec, int progress) {
  std::vector<std::string> environment = sys::own_environment();
  const std::string beside = find_installed({"hostd"});
  const auto program = sys::find_program(beside.empty() ? "hostd" : beside, environment);
  if (!program) return program.error();
  const auto input = spec_as_stdin(spec);
  if (!input) return input.error();
  const std::string log_path = concat(spec.runtime_dir, '/', runner_log_file);
  const sys::UniqueFd log(
      ::open(log_path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600));
  if (!log.is_open()) return errno_error(concat("cannot create ", log_path), errno);

  sys::ProcessSpec process;
  process.program = *program;
  process.argv = {"hostd", "vm", "-"};
  process.envp = environment;
  process.stdio = {input->get(), progress, log.get()};
  auto child = sys::spawn(process);
  if (!child) return child.error();
  if (const auto failure = sys::exec_outcome(*child)) {
    return errno_error(concat("cannot start ", *program), failure->error);
  }
  return child;
}

}  // namespace kestrel::hostd
