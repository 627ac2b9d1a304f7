#include "kestrel/app/cloud_files.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/new_entry.h"
#include "kestrel/sys/user_db.h"

namespace kestrel::app {

namespace {

/// A file as it is before something is appended to it.
struct Present {
  std::string content;
  sys::Attributes attributes;
};

/// nullopt: there is none.
Result<std::optional<Present>> read_present(const sys::Folder& root, const std::string& path) {
  const auto file = root.open(path, O_RDONLY | O_NONBLOCK);  // a named pipe is not waited for
  if (!file && file.error().code == ENOENT) return std::optional<Present>();
  if (!file) return file.error();
  struct stat status {};
  if (::fstat(file->get(), &status) != 0) return errno_error(concat("cannot read ", path), errno);
  if (!S_ISREG(status.st_mode)) return Error{concat("cannot append to ", path, ": it is no regular file")};
  auto content = sys::read_file(concat("/proc/self/fd/", file->get()), mebibytes(16));
  if (!content) return content.error().in(concat("cannot append to ", path));
  const sys::Owner owner{status.st_uid, status.st_gid};
  return std::optional(
      Present{std::move(*content), {.mode = status.st_mode & 07777, .owner = owner, .mtime = {}}});
}

Result<void> write_one(const sys::Folder& folder, const std::string& root, const config::WrittenFile& file) {
  Present before;
  if (file.is_appended) {
    auto present = read_present(folder, file.path);
    if (!present) return present.error();
    if (*present) before = std::move(**present);
  }
  if (file.permissions) before.attributes.mode = *file.permissions;
  if (file.owner) {
    const auto account = sys::find_account(root, file.owner->name, file.owner->group);
    if (!account) return account.error().in(concat("cannot write ", printable(file.path)));
    before.attributes.owner = sys::Owner{account->uid, account->gid};
  }
  auto place = folder.make_place(file.path);
  if (!place) return place.error();
  auto written = sys::NewFile::create(std::move(*place), file.path);
  if (!written) return written.error();
  if (auto done = written->write(before.content); !done) return done;
  if (auto done = written->write(file.content); !done) return done;
  // A power failure loses nothing: the next boot writes it again.
  return written->commit(before.attributes, sys::Durability::lazy);
}

}  // namespace

std::vector<std::string> write_cloud_files(const std::vector<config::WrittenFile>& files,
                                           const std::string& root) {
  std::vector<std::string> failures;
  if (files.empty()) return failures;
  const auto folder = sys::Folder::open(root, sys::Reach::as_root);
  if (!folder) return {folder.error().message};
  for (const auto& file : files) {
    if (auto written = write_one(*folder, root, file); !written) failures.push_back(written.error().message);
  }
  return failures;
}

}  // namespace kestrel::app
