#include "kestrel/sys/boot.h"

#include <time.h>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

Result<std::string> boot_id(const std::string& proc) {
  auto text = read_file(concat(proc, "/sys/kernel/random/boot_id"));
  if (!text) return text.error();
  return std::string(trim(*text));
}

Duration uptime() {
  timespec t{};
  ::clock_gettime(CLOCK_BOOTTIME, &t);
  return seconds(t.tv_sec) + Duration(t.tv_nsec);
}

}  // namespace kestrel::sys
