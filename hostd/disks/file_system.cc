#include "hostd/disks/file_system.h"

#include "hostd/tool.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

Result<void> make_file_system(const std::string& path) {
  // -F: a file is as good as a device.
  const auto made = run_tool({.command = {file_system_maker, "-q", "-F", "-t", "ext4", path}});
  return made ? Result<void>() : made.error().in(concat("cannot make a file system in ", path));
}

}  // namespace kestrel::hostd
