#include "hostd/build/spool.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "kestrel/base/text.h"
#include "kestrel/sys/directory.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view prefix = ".kestrel-build-";

sys::UniqueFd open_folder(const std::string& path) {
  return sys::UniqueFd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

void remove_tree(const std::string& path) {
  const auto root = sys::Folder::open("/", sys::Reach::anywhere);
  auto place = root ? root->find_place(path) : root.error();
  if (!place) return;
  sys::TreeRemoval removal(std::move(*place), path);
  while (true) {
    const auto is_gone = removal.step();
    if (!is_gone || *is_gone) return;
  }
}

/// What builds have left that were killed.
void remove_orphans(const std::string& parent) {
  sys::DirectoryReader reader(open_folder(parent));
  while (true) {
    const auto name = reader.next();
    if (!name || !*name) return;
    if (!(*name)->starts_with(prefix)) continue;
    const std::string path = concat(parent, '/', **name);
    const sys::UniqueFd folder = open_folder(path);
    if (folder.is_open() && ::flock(folder.get(), LOCK_EX | LOCK_NB) == 0) remove_tree(path);
  }
}

}  // namespace

Result<Spool> Spool::create(const std::string& parent) {
  char resolved[PATH_MAX];
  if (::realpath(parent.c_str(), resolved) == nullptr)
    return errno_error(concat("cannot open ", parent), errno);
  // One at a time: nobody takes a folder for an orphan that is not locked yet.
  const sys::UniqueFd turn = open_folder(resolved);
  if (!turn.is_open() || ::flock(turn.get(), LOCK_EX) != 0)
    return errno_error(concat("cannot lock ", parent), errno);
  remove_orphans(resolved);
  std::string path = concat(resolved, '/', prefix, "XXXXXX");
  if (::mkdtemp(path.data()) == nullptr)
    return errno_error(concat("cannot make a folder in ", parent), errno);
  sys::UniqueFd lock = open_folder(path);
  if (!lock.is_open() || ::flock(lock.get(), LOCK_EX) != 0)
    return errno_error(concat("cannot lock ", path), errno);
  return Spool(std::move(path), std::move(lock));
}

Spool::~Spool() {
  if (!path_.empty()) remove_tree(path_);
}

std::string Spool::path(std::string_view name) const { return concat(path_, '/', name); }

Result<std::string> Spool::make_folder(std::string_view name) const {
  std::string folder = path(name);
  if (::mkdir(folder.c_str(), 0755) != 0) return errno_error(concat("cannot make ", folder), errno);
  return folder;
}

Result<std::string> Spool::keep(ArchiveReader& reader) {
  std::string name = path(concat("file-", count_++));
  const sys::UniqueFd file(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.is_open()) return errno_error(concat("cannot create ", name), errno);
  while (true) {
    const auto bytes = reader.read();
    if (!bytes) return bytes.error();
    if (bytes->empty()) return name;
    const auto written = sys::write_all(file.get(), *bytes);
    if (!written) return errno_error(concat("cannot write ", name), written.error().code);
  }
}

}  // namespace kestrel::hostd
