#include "kestrel/sys/file_system_check.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/disk_head.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/process.h"

namespace kestrel::sys {

namespace {

/// Bits of e2fsck's exit status, e2fsck(8): errors were corrected, and the machine should be restarted.
/// Nothing has been mounted yet, so that means no more.
constexpr int corrected = 1 | 2;
constexpr std::size_t longest_report = 4096;

/// The last two lines: what e2fsck could not decide, and that it could not. What is indented goes on about
/// e2fsck's own options.
std::string last_words(int output) {
  std::string text(longest_report, '\0');
  const off_t end = ::lseek(output, 0, SEEK_END);
  const ssize_t count =
      ::pread(output, text.data(), text.size(), std::max<off_t>(0, end - off_t{longest_report}));
  text.resize(count < 0 ? 0 : static_cast<std::size_t>(count));
  std::string words;
  std::string_view before;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty() || line.starts_with('\t')) continue;
    words = concat(before, before.empty() ? "" : " ", trim(line));
    before = trim(line);
  }
  return printable(words);
}

/// Its exit status, or 128 and more where it was killed.
Result<int> run(const std::string& program, const std::string& device, int output) {
  ProcessSpec process;
  process.program = program;
  process.argv = {program, "-p", device};
  process.envp = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C"};
  process.stdio = {-1, output, output};
  const auto child = spawn(process);
  if (!child) return child.error();
  if (const auto failure = exec_outcome(*child)) {
    reap(child->pid);
    return errno_error(concat("cannot execute ", program), failure->error);
  }
  int status = 0;
  while (::waitpid(child->pid, &status, 0) < 0) {
    if (errno != EINTR) return errno_error(concat("cannot wait for ", program), errno);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

const std::vector<std::string>& file_system_checkers() {
  static const std::vector<std::string> checkers = {"/sbin/e2fsck", "/usr/sbin/e2fsck",
                                                    "/sbin/e2fsck.static"};
  return checkers;
}

Result<std::string> check_file_system(const std::string& device, const std::vector<std::string>& checkers) {
  const auto head = read_disk_head(device);
  if (!head || !head->needs_check) return std::string();
  const auto program = std::find_if(checkers.begin(), checkers.end(), [](const std::string& path) {
    return ::access(path.c_str(), X_OK) == 0;
  });
  if (program == checkers.end())
    return concat("the file system on ", device, " needs a check, and the image has no e2fsck");
  const UniqueFd output(::memfd_create("e2fsck", MFD_CLOEXEC));
  if (!output.is_open()) return errno_error("cannot keep what e2fsck says", errno);
  const auto status = run(*program, device, output.get());
  if (!status) return status.error();
  if ((*status & ~corrected) == 0)
    return concat("the file system on ", device, *status == 0 ? " was found right" : " was mended");
  return Error{concat("its file system is damaged, and e2fsck cannot mend it by itself (status ", *status,
                      ": ", last_words(output.get()), "); on the host e2fsck -f can, with the VM stopped")};
}

}  // namespace kestrel::sys
