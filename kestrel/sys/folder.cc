#include "kestrel/sys/folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::sys {

namespace {

/// Against a rename somewhere in the tree at the wrong moment, which the kernel answers with EAGAIN.
constexpr int most_tries = 32;

std::uint64_t resolution(Reach reach) {
  switch (reach) {
    case Reach::anywhere:
      return 0;
    case Reach::as_root:
      return RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
    case Reach::below:
      return RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    case Reach::below_unlinked:
      return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
  }
  return RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS;
}

Error cannot_open(std::string_view path, int code, Reach reach) {
  const std::string what = concat("cannot open ", printable(path));
  if (code == EXDEV && reach != Reach::anywhere) return {concat(what, ": it leads out of its folder"), code};
  if (code == ELOOP && reach == Reach::below_unlinked)
    return {concat(what, ": a symbolic link is in its way"), code};
  if (code == ENOSYS) return {concat(what, ": the kernel cannot confine paths (openat2)"), code};
  return errno_error(what, code);
}

std::string_view without_trailing_slashes(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

}  // namespace

std::string_view last_part(std::string_view path) {
  path = without_trailing_slashes(path);
  const std::string_view last = path.substr(path.rfind('/') + 1);
  return last == "." || last == ".." ? std::string_view() : last;
}

Result<Folder> Folder::open(const std::string& path, Reach reach) {
  UniqueFd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return errno_error(concat("cannot open ", printable(path)), errno);
  return Folder(std::move(folder), reach);
}

int Folder::open_once(const std::string& path, int flags) const {
  const int all_flags = flags | O_CLOEXEC | ((flags & O_PATH) != 0 ? 0 : O_NOCTTY);
  if (reach_ == Reach::anywhere) return ::openat(fd_.get(), path.c_str(), all_flags);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(all_flags);
  how.resolve = resolution(reach_);
  return static_cast<int>(::syscall(SYS_openat2, fd_.get(), path.c_str(), &how, sizeof how));
}

Result<UniqueFd> Folder::open(std::string_view path, int flags) const {
  if (path.find('\0') != std::string_view::npos) return cannot_open(path, EINVAL, reach_);
  const std::string text(path.empty() ? "." : path);
  for (int tries = 1;; ++tries) {
    UniqueFd file(open_once(text, flags));
    if (file.is_open()) return file;
    const bool is_worth_retrying = errno == EINTR || errno == EAGAIN;
    if (!is_worth_retrying || tries == most_tries) return cannot_open(path, errno, reach_);
  }
}

/// The last part's folder is not opened yet: `folder` stays closed.
Result<Place> Folder::split(std::string_view path) const {
  const std::string_view name = last_part(path);
  if (!name.empty()) return Place{{}, std::string(name)};
  return Error{concat("cannot open ", printable(path), ": it is no entry of a folder"), EINVAL};
}

Result<Place> Folder::find_place(std::string_view path) const {
  auto place = split(path);
  if (!place) return place;
  const std::string_view whole = without_trailing_slashes(path);
  auto folder = open(whole.substr(0, whole.size() - place->name.size()), O_PATH | O_DIRECTORY);
  if (!folder) return folder.error();
  place->folder = std::move(*folder);
  return place;
}

Result<Place> Folder::make_place(std::string_view path) const {
  auto place = find_place(path);
  if (place || place.error().code != ENOENT) return place;
  const std::string_view whole = without_trailing_slashes(path);
  auto folder = make_folder(whole.substr(0, whole.size() - last_part(path).size()));
  if (!folder) return folder.error();
  return Place{std::move(*folder), std::string(last_part(path))};
}

/// From the first part on, so that each is looked at by the kernel as what it is then.
Result<UniqueFd> Folder::make_folder(std::string_view path) const {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string_view part = path.substr(0, end);
    auto folder = open(part, O_PATH | O_DIRECTORY);
    if (!folder && folder.error().code == ENOENT) {
      const auto place = find_place(part);
      if (!place) return place.error();
      if (::mkdirat(place->folder.get(), place->name.c_str(), 0755) != 0 && errno != EEXIST)
        return errno_error(concat("cannot make ", printable(part)), errno);
      folder = open(part, O_PATH | O_DIRECTORY);
    }
    if (!folder || end == std::string_view::npos || end + 1 >= path.size()) return folder;
  }
}

}  // namespace kestrel::sys
