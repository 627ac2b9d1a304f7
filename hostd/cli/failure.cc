#include "hostd/cli/failure.h"

#include <algorithm>
#include <cstdio>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t shown_console_lines = 12;

/// Where the console knows more than we do.
bool is_for_the_console(int status) {
  for (const ExitCode code :
       {ExitCode::no_hello, ExitCode::kernel_panic, ExitCode::guest_lost, ExitCode::vmm_died}) {
    if (status == to_status(code)) return true;
  }
  return false;
}

}  // namespace

std::string_view hint_for(int status) {
  switch (static_cast<ExitCode>(status)) {
    case ExitCode::port_in_use:
      return "publish on another host port with -p, or stop what listens there (ss -ltnp)";
    case ExitCode::kernel_missing:
      return "name one with --kernel FILE or KESTREL_KERNEL; `make kernel` builds one";
    case ExitCode::image_broken:
      return "an image is one that `kestrelctl images list` shows, a folder with a manifest.json, or an "
             "initramfs file";
    case ExitCode::name_in_use:
      return "choose another with --name, or stop that VM: kestrelctl stop NAME";
    case ExitCode::vmm_missing:
      return "install QEMU: apt install qemu-system-x86";
    case ExitCode::vmm_refused:
      return "see what is missing with: kestrelctl doctor";
    case ExitCode::no_hello:
      return "see all of the kernel's messages with --append loglevel=7, give it longer with --boot-timeout";
    case ExitCode::kernel_panic:
      return "an image needs kestrel as its /init";
    case ExitCode::success:
    case ExitCode::usage:
    case ExitCode::stop_forced:
    case ExitCode::guest_lost:
    case ExitCode::vmm_died:
    case ExitCode::host_error:
      break;
  }
  return {};
}

std::string describe_end(std::string_view name, const Outcome& outcome,
                         const std::deque<std::string>& console) {
  if (outcome.status == 0 && outcome.message.empty()) return {};
  if (outcome.message.empty())
    return concat("kestrelctl: ", name, " ended with status ", outcome.status, '\n');
  std::string text = concat("kestrelctl: cannot run ", name, ": ", printable(outcome.message), '\n');
  for (const std::string& detail : outcome.details) text += printable(detail) + "\n";
  if (is_for_the_console(outcome.status)) {
    const std::size_t shown = std::min(shown_console_lines, console.size());
    for (auto line = console.end() - static_cast<std::ptrdiff_t>(shown); line != console.end(); ++line) {
      text += concat("console: ", printable(*line), '\n');
    }
  }
  if (const auto hint = hint_for(outcome.status); !hint.empty()) text += concat("hint: ", hint, '\n');
  return text;
}

int fail(ExitCode code, std::string_view message, std::string_view hint) {
  std::string text = concat("kestrelctl: ", message, '\n');
  if (hint.empty()) hint = hint_for(to_status(code));
  if (!hint.empty()) text += concat("hint: ", hint, '\n');
  std::fputs(text.c_str(), stderr);
  return to_status(code);
}

}  // namespace kestrel::hostd
