#include "kestrel/sys/capabilities.h"

#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

namespace kestrel::sys {

namespace {

bool has(CapabilitySet set, int capability) noexcept { return ((set >> capability) & 1) != 0; }

constexpr std::uint32_t low_half(CapabilitySet set) { return static_cast<std::uint32_t>(set); }
constexpr std::uint32_t high_half(CapabilitySet set) { return static_cast<std::uint32_t>(set >> 32); }

}  // namespace

bool bound_capabilities(CapabilitySet kept) noexcept {
  // The kernel may know more capabilities than we do, and tells where its own end.
  for (int capability = 0; ::prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; ++capability) {
    if (!has(kept, capability) && ::prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0) return false;
  }
  return ::prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0;
}

bool keep_capabilities(CapabilitySet kept) noexcept {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  const auto half = [](std::uint32_t bits) { return __user_cap_data_struct{bits, bits, bits}; };
  const std::array<__user_cap_data_struct, 2> sets = {half(low_half(kept)), half(high_half(kept))};
  if (::syscall(SYS_capset, &header, sets.data()) < 0) return false;
  for (int capability = 0; capability < 64; ++capability) {
    if (!has(kept, capability)) continue;
    if (::prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0) < 0) return false;
  }
  return true;
}

bool give_up_new_privileges() noexcept { return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0; }

}  // namespace kestrel::sys
