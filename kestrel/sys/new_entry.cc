#include "kestrel/sys/new_entry.h"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// The disk is given work while the rest still comes, so that the last fsync() has little left to wait for.
constexpr std::uint64_t write_behind = 4 * 1024 * 1024;

std::string temporary_name() {
  std::uint64_t number = 0;
  static_cast<void>(::getrandom(&number, sizeof number, GRND_NONBLOCK));
  char text[40];
  std::snprintf(text, sizeof text, ".kestrel-%016llx", static_cast<unsigned long long>(number));
  return text;
}

Error cannot_write(std::string_view path, int code) {
  return errno_error(concat("cannot write ", printable(path)), code);
}

/// rename() does nothing where both names are links to one file already, and then leaves the old one.
Result<void> rename_over(const Place& place, const std::string& temporary, std::string_view path) {
  const int folder = place.folder.get();
  const int code = ::renameat(folder, temporary.c_str(), folder, place.name.c_str()) == 0 ? 0 : errno;
  ::unlinkat(folder, temporary.c_str(), 0);
  if (code != 0) return cannot_write(path, code);
  return {};
}

}  // namespace

Result<void> apply(const Attributes& attributes, int fd, std::string_view path) {
  const auto failed = [path](std::string_view what) {
    return errno_error(concat("cannot set the ", what, " of ", printable(path)), errno);
  };
  // The owner comes first: changing it takes the setuid bit away.
  if (attributes.owner && ::fchown(fd, attributes.owner->uid, attributes.owner->gid) != 0)
    return failed("owner");
  if (::fchmod(fd, attributes.mode & 07777) != 0) return failed("mode");
  if (attributes.mtime) {
    const timespec times[2] = {{.tv_sec = 0, .tv_nsec = UTIME_OMIT},
                               {.tv_sec = *attributes.mtime, .tv_nsec = 0}};
    if (::futimens(fd, times) != 0) return failed("time");
  }
  return {};
}

Result<NewFile> NewFile::create(Place place, std::string path) {
  std::string temporary = temporary_name();
  UniqueFd file(::openat(place.folder.get(), temporary.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.is_open()) return cannot_write(path, errno);
  return NewFile(std::move(place), std::move(path), std::move(temporary), std::move(file));
}

NewFile::NewFile(Place place, std::string path, std::string temporary, UniqueFd file)
    : place_(std::move(place)),
      path_(std::move(path)),
      temporary_(std::move(temporary)),
      file_(std::move(file)) {}

NewFile::NewFile(NewFile&& other) noexcept
    : place_(std::move(other.place_)),
      path_(std::move(other.path_)),
      temporary_(std::exchange(other.temporary_, {})),
      file_(std::move(other.file_)),
      written_(other.written_),
      started_(other.started_) {}

NewFile::~NewFile() {
  if (!temporary_.empty()) ::unlinkat(place_.folder.get(), temporary_.c_str(), 0);
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::write(file_.get(), bytes.data(), bytes.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_write(path_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    written_ += static_cast<std::uint64_t>(count);
  }
  if (written_ - started_ >= write_behind) {
    static_cast<void>(::sync_file_range(file_.get(), static_cast<off64_t>(started_),
                                        static_cast<off64_t>(written_ - started_), SYNC_FILE_RANGE_WRITE));
    started_ = written_;
  }
  return {};
}

Result<void> NewFile::commit(const Attributes& attributes, Durability durability) {
  if (auto applied = apply(attributes, file_.get(), path_); !applied) return applied;
  if (durability == Durability::synced && ::fsync(file_.get()) != 0) return cannot_write(path_, errno);
  return rename_over(place_, std::exchange(temporary_, {}), path_);
}

Result<void> replace_entry(const Place& place, std::string_view path,
                           const std::function<int(int folder, const char* name)>& make) {
  const std::string temporary = temporary_name();
  if (make(place.folder.get(), temporary.c_str()) != 0) {
    const int code = errno;
    ::unlinkat(place.folder.get(), temporary.c_str(), 0);
    return errno_error(concat("cannot make ", printable(path)), code);
  }
  return rename_over(place, temporary, path);
}

}  // namespace kestrel::sys
