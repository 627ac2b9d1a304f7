#include "hostd/runner/guest_vsock.h"

#include "kestrel/base/log.h"

namespace kestrel::hostd {

GuestVsockResult choose_vsock(VsockDevice wanted, const std::function<GuestVsockResult()>& native,
                              const std::function<GuestVsockResult()>& user) {
  if (wanted == VsockDevice::user) return user();
  auto kernel = native();
  if (kernel) return kernel;
  if (wanted == VsockDevice::native) return kernel.error().in("cannot use the kernel's vsock device");
  log_debug("the runner is the vsock device itself, for the kernel's cannot be used: ",
            kernel.error().message);
  return user();
}

}  // namespace kestrel::hostd
