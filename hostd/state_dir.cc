#include "hostd/state_dir.h"

#include <unistd.h>

#include <cstdlib>

namespace kestrel::hostd {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

}  // namespace

std::string state_dir() {
  if (auto folder = variable("KESTREL_STATE_DIR"); !folder.empty()) return folder;
  if (::geteuid() == 0) return "/var/lib/kestrel";
  if (const auto root = variable("XDG_STATE_HOME"); !root.empty()) return root + "/kestrel";
  return variable("HOME") + "/.local/state/kestrel";
}

}  // namespace kestrel::hostd
