#include "hostd/own_folder.h"

#include <unistd.h>

#include <climits>
#include <string_view>

namespace kestrel::hostd {

std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string_view self(path, length < 0 ? 0 : static_cast<std::size_t>(length));
  return std::string(self.substr(0, self.rfind('/') + 1));
}

}  // namespace kestrel::hostd
