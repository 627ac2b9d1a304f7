#include "hostd/cli/doctor.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "hostd/disks/file_system.h"
#include "hostd/disks/volumes.h"
#include "hostd/image.h"
#include "hostd/qemu_version.h"
#include "hostd/runner/runner.h"
#include "hostd/runner/runtime_dir.h"
#include "hostd/tool.h"
#include "hostd/vm_spec.h"
#include "hostd/vmm/tsc.h"
#include "hostd/vsock/kernel_device.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

namespace {

enum class Verdict { fine, note, missing };

struct Finding {
  Verdict verdict;
  std::string subject;
  std::string text;
  std::string remedy;
};

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

Finding judge_qemu(const std::string& program) {
  const auto printed = run_tool({.command = {program, "--version"}, .limit = seconds(5)});
  const auto version = printed ? parse_qemu_version(*printed) : std::nullopt;
  if (version && *version >= oldest_qemu)
    return {Verdict::fine, "QEMU", concat(program, ", ", format(*version)), ""};
  return {Verdict::missing, "QEMU", explain_refusal(program, printed.value_or("")),
          "apt install qemu-system-x86, or name another with KESTREL_QEMU"};
}

Finding look_for_qemu() {
  const std::string wanted = variable("KESTREL_QEMU");
  const std::vector<std::string> path = {concat("PATH=", variable("PATH"))};
  const auto program = sys::find_program(wanted.empty() ? default_vmm : wanted, path);
  if (program) return judge_qemu(*program);
  return {Verdict::missing, "QEMU", program.error().message, "apt install qemu-system-x86"};
}

Finding look_for_kvm() {
  const std::string problem = find_kvm_problem();
  if (problem.empty()) return {Verdict::fine, "KVM", "/dev/kvm can be used", ""};
  return {Verdict::note, "KVM", concat(problem, "; VMs run without it, more slowly"),
          "turn on virtualization and join the group kvm, or set KESTREL_ACCEL=tcg to stop trying"};
}

Finding look_for_vsock() {
  const std::string problem = vsock::find_kernel_device_problem();
  if (problem.empty()) return {Verdict::fine, "vsock", "the kernel's device can be used", ""};
  return {Verdict::fine, "vsock", concat("our own device, for the kernel's cannot be used: ", problem), ""};
}

Finding look_for_counter() {
  const TscMeter meter;
  const std::uint32_t khz = meter.khz();
  if (khz != 0) return {Verdict::fine, "time counter", concat(khz, " kHz"), ""};
  return {Verdict::note, "time counter", "this processor has none that can be measured", ""};
}

Finding look_for_kernel() {
  const std::string fallback = variable("KESTREL_KERNEL");
  if (fallback.empty()) {
    return {Verdict::note, "guest kernel",
            "KESTREL_KERNEL is not set; images that bring their own do not need it", ""};
  }
  const auto kernel = choose_kernel("", Image{}, fallback);
  if (kernel) return {Verdict::fine, "guest kernel", *kernel, ""};
  return {Verdict::missing, "guest kernel", kernel.error().message,
          "point KESTREL_KERNEL to a bzImage or vmlinux"};
}

Finding look_for_runtime_dir() {
  const std::string path = concat(vms_dir(), "/.doctor-", ::getpid());
  auto dir = RuntimeDir::claim(path);
  if (!dir) {
    return {Verdict::missing, "runtime folder", dir.error().message,
            "set KESTREL_RUNTIME_DIR to a folder of yours"};
  }
  dir->remove();
  const auto checked = check_socket_paths(concat(vms_dir(), '/', std::string(20, 'x')));
  if (checked) return {Verdict::fine, "runtime folder", vms_dir(), ""};
  return {Verdict::note, "runtime folder", concat(vms_dir(), " is so long that only short names fit"),
          "set KESTREL_RUNTIME_DIR to a shorter path"};
}

Finding look_for_volumes() {
  const auto maker = find_tool(file_system_maker);
  if (maker) return {Verdict::fine, "volumes", volumes_dir(), ""};
  return {Verdict::note, "volumes", concat("no new ones can be made: ", maker.error().message), ""};
}

std::string_view mark_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::fine:
      return "ok  ";
    case Verdict::note:
      return "note";
    case Verdict::missing:
      return "MISS";
  }
  return "";
}

}  // namespace

int doctor_command() {
  bool is_complete = true;
  for (const Finding& finding : {look_for_qemu(), look_for_kvm(), look_for_vsock(), look_for_counter(),
                                 look_for_kernel(), look_for_runtime_dir(), look_for_volumes()}) {
    std::string text = concat(mark_of(finding.verdict), "  ", finding.subject, ": ", finding.text, '\n');
    if (!finding.remedy.empty()) text += concat("      → ", finding.remedy, '\n');
    std::fputs(text.c_str(), stdout);
    if (finding.verdict == Verdict::missing) is_complete = false;
  }
  return is_complete ? 0 : 1;
}

}  // namespace kestrel::hostd
