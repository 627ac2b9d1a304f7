#include "kestrel/sys/entropy.h"

#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <cstring>

#include "kestrel/sys/fd.h"

namespace kestrel::sys {

Result<void> credit_entropy(std::string_view seed) {
  constexpr std::string_view what = "cannot add entropy";
  if (seed.empty() || seed.size() > most_entropy.count) return errno_error(what, EINVAL);
  // rand_pool_info with its open end filled.
  struct Request {
    int bits;
    int size;
    char bytes[most_entropy.count];
  } request{};
  static_assert(offsetof(Request, bytes) == offsetof(rand_pool_info, buf));
  request.bits = static_cast<int>(seed.size() * 8);
  request.size = static_cast<int>(seed.size());
  seed.copy(request.bytes, sizeof request.bytes);

  const UniqueFd device(::open("/dev/urandom", O_RDWR | O_CLOEXEC));
  if (!device.is_open()) return errno_error("cannot open /dev/urandom", errno);
  const int outcome = ::ioctl(device.get(), RNDADDENTROPY, &request);
  const int error = errno;
  ::explicit_bzero(&request, sizeof request);
  if (outcome < 0) return errno_error(what, error);
  return {};
}

}  // namespace kestrel::sys
