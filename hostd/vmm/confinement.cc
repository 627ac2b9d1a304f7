#include "hostd/vmm/confinement.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <sstream>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

/// For QEMU's own network, each connection takes one; disks, sockets and eventfds of devices are few.
constexpr std::uint64_t open_files = 4096;
/// Of 1000: before the runner and whatever else belongs to the host, but not before what asks for it.
constexpr int oom_score_adj = 300;

/// Root of a container may lack what root has.
bool can_change_user() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> sets{};
  if (::syscall(SYS_capget, &header, sets.data()) != 0) return false;
  for (const int needed : {CAP_SETUID, CAP_SETGID, CAP_SETPCAP}) {
    if ((sets[0].effective >> needed & 1U) == 0) return false;
  }
  return ::geteuid() == 0;
}

std::optional<sys::Account> account_of_its_own() {
  const std::uint32_t id = first_vmm_user + static_cast<std::uint32_t>(::getpid());
  for (const char* map : {"/proc/self/uid_map", "/proc/self/gid_map"}) {
    if (!is_mapped(sys::read_file(map).value_or(""), id)) return std::nullopt;
  }
  sys::Account account;
  account.uid = account.gid = id;
  return account;
}

/// Lets the account use KVM by the device's group. False where that does not help.
bool admit_to_kvm(sys::Account& account) {
  struct stat device {};
  if (account.uid == 0 || ::stat("/dev/kvm", &device) != 0) return true;
  if ((device.st_mode & 06) == 06) return true;
  if ((device.st_mode & 060) != 060 || device.st_gid == 0) return false;
  account.groups.push_back(device.st_gid);
  return true;
}

Result<sys::UniqueFd> copy_in_memory(int file, const std::string& path) {
  sys::UniqueFd copy(::memfd_create("kestrel", MFD_CLOEXEC));
  if (!copy.is_open()) return errno_error(concat("cannot copy ", path), errno);
  for (;;) {
    const ssize_t count = ::sendfile(copy.get(), file, nullptr, 1 << 30);
    if (count == 0) return copy;
    if (count < 0 && errno != EINTR) return errno_error(concat("cannot copy ", path), errno);
  }
}

}  // namespace

bool is_mapped(std::string_view id_map, std::uint32_t id) {
  std::istringstream lines{std::string(id_map)};
  std::uint64_t inside = 0;
  std::uint64_t outside = 0;
  std::uint64_t count = 0;
  while (lines >> inside >> outside >> count) {
    if (id >= inside && id - inside < count) return true;
  }
  return false;
}

Result<std::optional<sys::Account>> choose_confined_account() {
  if (!can_change_user()) return std::optional<sys::Account>();
  const char* wanted = std::getenv("KESTREL_VMM_USER");
  if (wanted == nullptr || *wanted == '\0') return account_of_its_own();
  const std::string_view text = wanted;
  const auto colon = text.find(':');
  std::optional<std::string> group;
  if (colon != std::string_view::npos) group = text.substr(colon + 1);
  auto account = sys::find_account("/", text.substr(0, colon), group);
  if (!account) return account.error().in("cannot use KESTREL_VMM_USER");
  return std::optional(std::move(*account));
}

Result<void> confine(sys::ProcessSpec& process, bool uses_kvm) {
  process.has_no_new_privileges = true;
  process.limits.core = Bytes{};
  process.limits.open_files = open_files;
  process.limits.oom_score_adj = oom_score_adj;
  if (!can_change_user()) return {};
  process.capabilities = CapabilitySet{};
  auto account = choose_confined_account();
  if (!account) return account.error();
  if (!*account) return {};
  if (uses_kvm && !admit_to_kvm(**account)) {
    log_info("QEMU runs as root, for /dev/kvm lets nobody else use it");
    return {};
  }
  process.uid = (*account)->uid;
  process.gid = (*account)->gid;
  process.groups = std::move((*account)->groups);
  return {};
}

Result<sys::UniqueFd> open_for_all(const std::string& path) {
  sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) != 0)
    return errno_error(concat("cannot open ", path), errno);
  if ((status.st_mode & S_IROTH) != 0) return file;
  return copy_in_memory(file.get(), path);
}

}  // namespace kestrel::hostd
