#include "hostd/runner/known_vms.h"

#include <dirent.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>

#include "hostd/runner/runtime_dir.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

std::string vm_dir(std::string_view name) { return concat(vms_dir(), '/', name); }

bool is_running(std::string_view name) {
  return is_vm_name(name) && sys::connect_unix(concat(vm_dir(name), '/', runner_socket)).has_value();
}

bool is_known(std::string_view name) {
  struct stat status {};
  return is_vm_name(name) && ::stat(vm_dir(name).c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::vector<std::string> known_vms() {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(vms_dir().c_str()), ::closedir);
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (is_known(entry->d_name)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> running_specs() {
  std::map<std::string, std::string> specs;
  for (const std::string& name : known_vms()) {
    struct stat status {};
    const std::string folder = vm_dir(name);
    if (::stat(concat(folder, '/', exit_file).c_str(), &status) == 0) continue;
    if (auto spec = sys::read_file(concat(folder, '/', spec_file))) specs[name] = std::move(*spec);
  }
  return specs;
}

}  // namespace kestrel::hostd
