#include "kestrel/sys/cgroup_root.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <initializer_list>
#include <string_view>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

/// One controller at a time: a kernel without one of them shall not lose the others. Without a controller its
/// limits cannot be set, which is said where one is asked for.
void turn_on(const std::string& cgroup, std::initializer_list<std::string_view> controllers) {
  for (const std::string_view controller : controllers) {
    [[maybe_unused]] auto ignored = write_file(concat(cgroup, "/cgroup.subtree_control"), controller);
  }
}

}  // namespace

Result<void> make_cgroup(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) < 0 && errno != EEXIST) {
    return errno_error(concat("cannot create cgroup ", path), errno);
  }
  // A kernel before 6.1 has no such file.
  [[maybe_unused]] auto ignored = write_file(concat(path, "/cgroup.pressure"), "0");
  return {};
}

Result<CgroupRoot> CgroupRoot::open(const std::string& mount, OwnLeaf own_leaf) {
  if (::access(concat(mount, "/cgroup.controllers").c_str(), R_OK) < 0) {
    return errno_error(concat("cannot use ", mount, " as a cgroup v2 tree"), errno);
  }
  CgroupRoot root;
  root.path_ = concat(mount, "/services");
  root.own_leaf_ = concat(mount, "/kestrel");
  for (const std::string& path : {root.path_, root.own_leaf_}) {
    if (auto made = make_cgroup(path); !made) return made.error();
  }
  if (own_leaf == OwnLeaf::at_once) {
    if (auto moved = write_file(concat(root.own_leaf_, "/cgroup.procs"), "0"); !moved) return moved.error();
  }
  turn_on(mount, {"+cpu", "+memory", "+pids"});
  turn_on(root.path_, {"+memory", "+pids"});
  return root;
}

void CgroupRoot::turn_on_cpu(const std::string& leaf) { turn_on(leaf.substr(0, leaf.rfind('/')), {"+cpu"}); }

void CgroupRoot::enter_own_leaf_in_background() const {
  const std::string procs = concat(own_leaf_, "/cgroup.procs");
  const std::string pid = concat(::getpid());
  if (::fork() != 0) return;
  const int fd = ::open(procs.c_str(), O_WRONLY | O_CLOEXEC);
  const bool is_moved = fd >= 0 && ::write(fd, pid.data(), pid.size()) >= 0;
  ::_exit(is_moved ? 0 : 1);
}

}  // namespace kestrel::sys
