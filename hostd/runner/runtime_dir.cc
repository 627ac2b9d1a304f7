#include "hostd/runner/runtime_dir.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <vector>

#include "kestrel/base/text.h"
#include "kestrel/sys/file_identity.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

std::vector<std::string> entries_of(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return names;
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

/// A runner makes files and sockets only, no folders: whatever else is there is not ours to remove.
void remove_files(const std::string& path, std::string_view except = {}) {
  for (const std::string& name : entries_of(path)) {
    if (name != except) ::unlink(concat(path, '/', name).c_str());
  }
}

/// Not open where somebody else holds it, or where it was removed in the meantime.
Result<sys::UniqueFd> lock_folder(const std::string& path) {
  sys::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  if (!folder.is_open()) return errno_error(concat("cannot open ", path), errno);
  struct stat status {};
  if (::fstat(folder.get(), &status) == 0 && status.st_uid != ::geteuid()) {
    return Error{concat("cannot use ", path, ": it belongs to somebody else"), EPERM};
  }
  if (::flock(folder.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{concat("cannot use ", path, ": its VM is running"), EBUSY};
    return errno_error(concat("cannot lock ", path), errno);
  }
  return folder;
}

}  // namespace

Result<void> make_folders(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST)
      return errno_error(concat("cannot make ", part), errno);
    if (end == std::string::npos) return {};
  }
}

std::string vms_dir() {
  if (const auto root = variable("KESTREL_RUNTIME_DIR"); !root.empty()) return root + "/vms";
  if (::geteuid() == 0) return "/run/kestrel/vms";
  if (const auto root = variable("XDG_RUNTIME_DIR"); !root.empty()) return root + "/kestrel/vms";
  return concat("/tmp/kestrel-", ::geteuid(), "/vms");
}

Result<RuntimeDir> RuntimeDir::lock(std::string path) {
  // A folder that another runner removes between our open and lock is made again.
  for (int attempt = 0; attempt < 10; ++attempt) {
    if (const auto made = make_folders(path); !made) return made.error();
    auto locked = lock_folder(path);
    if (!locked) return locked.error();
    if (!sys::is_file_at(locked->get(), path)) continue;
    RuntimeDir dir;
    dir.path_ = std::move(path);
    dir.lock_ = std::move(*locked);
    return dir;
  }
  return Error{concat("cannot use ", path, ": it is removed again and again"), EBUSY};
}

Result<RuntimeDir> RuntimeDir::claim(std::string path) {
  auto dir = lock(std::move(path));
  // The runner's own log is open already, as its stderr.
  if (dir) remove_files(dir->path_, runner_log_file);
  return dir;
}

Result<RuntimeDir> RuntimeDir::adopt(std::string path) { return lock(std::move(path)); }

void RuntimeDir::remove(std::string_view name) { ::unlink(file(name).c_str()); }

std::string RuntimeDir::file(std::string_view name) const { return concat(path_, '/', name); }

Result<void> RuntimeDir::write(std::string_view name, std::string_view content) const {
  const std::string path = file(name);
  const sys::UniqueFd opened(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!opened.is_open()) return errno_error(concat("cannot create ", path), errno);
  if (::write(opened.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    return errno_error(concat("cannot write ", path), errno);
  }
  return {};
}

void RuntimeDir::remove() {
  if (path_.empty()) return;
  remove_files(path_);
  ::rmdir(path_.c_str());
  path_.clear();
  lock_.reset();
}

void RuntimeDir::remove_sockets() {
  for (const std::string& name : entries_of(path_)) {
    const std::string file_path = file(name);
    struct stat status {};
    if (::lstat(file_path.c_str(), &status) == 0 && S_ISSOCK(status.st_mode)) ::unlink(file_path.c_str());
  }
}

Result<void> check_socket_paths(const std::string& runtime_dir) {
  const std::string longest = concat(runtime_dir, '/', vsock_socket, '_', wire::vsock_port);
  if (longest.size() <= sys::longest_unix_path) return {};
  return Error{concat("cannot use ", runtime_dir, ": a socket below it would have a path of ", longest.size(),
                      " bytes, and the system allows ", sys::longest_unix_path),
               ENAMETOOLONG};
}

bool is_held(const std::string& runtime_dir) {
  const auto lock = lock_folder(runtime_dir);
  return !lock && lock.error().code == EBUSY;
}

Result<void> wait_until_ended(const std::string& runtime_dir, Duration limit) {
  // A lock has no event to wait for but itself, which cannot be given up after a while.
  constexpr Duration pause = milliseconds(5);
  for (Duration waited{}; waited < limit; waited += pause) {
    const auto lock = lock_folder(runtime_dir);
    if (lock || lock.error().code == ENOENT) return {};
    if (lock.error().code != EBUSY) return lock.error();
    const timespec rest{0, static_cast<long>(pause.count())};
    ::nanosleep(&rest, nullptr);
  }
  return Error{concat("its runner has not ended after ", format_duration(limit)), ETIMEDOUT};
}

Result<void> remove_ended(const std::string& runtime_dir) {
  auto lock = lock_folder(runtime_dir);
  if (!lock) return lock.error();
  remove_files(runtime_dir);
  if (::rmdir(runtime_dir.c_str()) == 0 || errno == ENOENT) return {};
  return errno_error(concat("cannot remove ", runtime_dir), errno);
}

}  // namespace kestrel::hostd
