#include "hostd/own_folder.h"

#include <unistd.h>

#include <climits>
#include <string_view>

namespace kestrel::hostd {

namespace {

/// With a slash at its end.
std::string own_folder() {
  char path[PATH_MAX];
  const ssize_t length = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string_view self(path, length < 0 ? 0 : static_cast<std::size_t>(length));
  return std::string(self.substr(0, self.rfind('/') + 1));
}

}  // namespace

std::string find_installed(std::initializer_list<const char*> places) {
  const std::string folder = own_folder();
  for (const char* place : places) {
    std::string path = folder + place;
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return {};
}

}  // namespace kestrel::hostd
