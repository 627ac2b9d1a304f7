#include "kestrel/wire/tree_packer.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "kestrel/base/text.h"

namespace kestrel::wire {

namespace {

constexpr std::size_t piece = 64 * 1024;
/// Entries looked at in one go, however little they add.
constexpr int entries_per_piece = 64;

std::optional<TarMember::Type> type_of(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return TarMember::Type::file;
    case S_IFDIR:
      return TarMember::Type::folder;
    case S_IFLNK:
      return TarMember::Type::symlink;
    case S_IFCHR:
      return TarMember::Type::character_device;
    case S_IFBLK:
      return TarMember::Type::block_device;
    case S_IFIFO:
      return TarMember::Type::fifo;
    default:
      return std::nullopt;
  }
}

/// An empty name means the descriptor itself.
std::optional<std::string> read_link(int folder, const char* name) {
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(folder, name, target.data(), target.size());
  if (size < 0) return std::nullopt;
  target.resize(static_cast<std::size_t>(size));
  return target;
}

}  // namespace

/// An entry by its folder, or an open one by itself.
struct TreePacker::Source {
  int folder;
  const char* name;            ///< empty: `folder` is the entry itself, opened with O_PATH
  sys::UniqueFd content = {};  ///< a file or folder that is open for reading already

  [[nodiscard]] sys::UniqueFd open(int flags) {
    if (content.is_open()) return std::move(content);
    return sys::UniqueFd(
        ::openat(folder, name, flags | O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }
};

TreePacker::TreePacker(std::string path, PackOptions options)
    : options_(std::move(options)), path_(std::move(path)), name_(options_.top) {}

Result<TreePacker> TreePacker::open(const sys::Folder& folder, const std::string& path, bool follows,
                                    PackOptions options) {
  const int last = follows ? 0 : O_NOFOLLOW;
  auto top = folder.open(path, O_PATH | last);
  if (!top) return top.error();
  struct stat status {};
  if (::fstat(top->get(), &status) != 0) return errno_error(concat("cannot read ", printable(path)), errno);
  TreePacker packer(path, std::move(options));
  Source source{.folder = top->get(), .name = ""};
  if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) {
    // Here nothing has been said yet, so a failure is one.
    auto content = folder.open(path, O_RDONLY | O_NONBLOCK | last);
    if (!content) return content.error();
    source.content = std::move(*content);
    if (S_ISREG(status.st_mode)) packer.expected_ = Bytes{static_cast<std::uint64_t>(status.st_size)};
  }
  if (S_ISSOCK(status.st_mode))
    return Error{concat("cannot pack ", printable(path), ": it is a socket"), EINVAL};
  std::string first;
  packer.add(first, std::move(source));
  packer.first_ = std::move(first);
  return packer;
}

bool TreePacker::produce(std::string& out) {
  out += std::exchange(first_, {});
  const auto has_more = [this] { return file_.is_open() || !levels_.empty(); };
  for (int entries = 0; has_more() && out.size() < piece && entries < entries_per_piece; ++entries)
    file_.is_open() ? add_data(out) : next_entry(out);
  return has_more();
}

void TreePacker::next_entry(std::string& out) {
  Level& level = levels_.back();
  name_.resize(level.name_length);
  path_.resize(level.path_length);
  auto next = level.reader.next();
  if (!next) add_problem(next.error().code);
  if (!next || !*next) {
    levels_.pop_back();
    return;
  }
  const std::string entry = std::move(**next);
  name_ += concat('/', entry);
  path_ += concat(path_.ends_with('/') ? "" : "/", entry);
  add(out, {.folder = level.reader.fd(), .name = entry.c_str()});
}

void TreePacker::add(std::string& out, Source source) {
  struct stat status {};
  const int flags = *source.name == '\0' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  if (::fstatat(source.folder, source.name, &status, flags) != 0) return add_problem(errno);
  const auto type = type_of(status.st_mode);
  if (!type) return;
  TarMember member{.type = *type,
                   .name = name_,
                   .target = {},
                   .mode = status.st_mode & 07777,
                   .uid = options_.owner ? options_.owner->uid : status.st_uid,
                   .gid = options_.owner ? options_.owner->gid : status.st_gid,
                   .size = {},
                   .mtime = status.st_mtim.tv_sec,
                   .device_major = major(status.st_rdev),
                   .device_minor = minor(status.st_rdev)};
  if (*type == TarMember::Type::file || *type == TarMember::Type::folder)
    return add_content(out, std::move(member), source);
  if (*type == TarMember::Type::symlink) {
    auto target = read_link(source.folder, source.name);
    if (!target) return add_problem(errno);
    member.target = std::move(*target);
  }
  out += tar_header(member);
}

void TreePacker::add_content(std::string& out, TarMember member, Source& source) {
  const bool is_folder = member.type == TarMember::Type::folder;
  sys::UniqueFd content = source.open(is_folder ? O_DIRECTORY : 0);
  if (!content.is_open()) return add_problem(errno);
  if (is_folder) {
    out += tar_header(member);
    if (levels_.size() == sys::deepest_tree) return add_problem(ENAMETOOLONG);
    levels_.push_back({sys::DirectoryReader(std::move(content)), name_.size(), path_.size()});
    return;
  }
  struct stat status {};
  if (::fstat(content.get(), &status) != 0) return add_problem(errno);
  if (!S_ISREG(status.st_mode)) return;  // it was replaced meanwhile
  member.size = {static_cast<std::uint64_t>(status.st_size)};
  ::posix_fadvise(content.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  out += tar_header(member);
  file_ = std::move(content);
  left_ = member.size.count;
  padding_ = tar_padding(member.size);
}

/// Once announced, so many bytes have to come: zeros, where there are none.
void TreePacker::add_data(std::string& out) {
  const std::size_t size = std::min<std::uint64_t>(left_, piece);
  const std::size_t at = out.size();
  out.resize(at + size);
  ssize_t count = 0;
  if (!has_failed_ && size > 0) count = ::read(file_.get(), out.data() + at, size);
  if (count < 0 && errno == EINTR) return out.resize(at);
  if (!has_failed_ && count <= 0 && size > 0) {
    count < 0
        ? add_problem(errno)
        : problems_.push_back(concat("cannot read ", printable(path_), ": it became shorter meanwhile"));
    has_failed_ = true;
  }
  if (!has_failed_) out.resize(at + static_cast<std::size_t>(count));
  left_ -= out.size() - at;
  packed_.count += out.size() - at;
  if (left_ > 0) return;
  out.append(padding_, '\0');
  file_.reset();
  has_failed_ = false;
}

/// What is gone when its turn comes was just removed.
void TreePacker::add_problem(int code) {
  if (code != ENOENT)
    problems_.push_back(errno_error(concat("cannot read ", printable(path_)), code).message);
}

}  // namespace kestrel::wire
