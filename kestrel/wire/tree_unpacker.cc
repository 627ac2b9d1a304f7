#include "kestrel/wire/tree_unpacker.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"

namespace kestrel::wire {

namespace {

constexpr std::uint32_t special_bits = S_ISUID | S_ISGID;

bool is_below(std::string_view path, std::string_view folder) {
  return folder.empty() ||
         (path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/'));
}

Error refused(std::string_view path, std::string_view cause, int code) {
  return {concat("cannot unpack ", printable(path), ": ", cause), code};
}

mode_t kind_of(TarMember::Type type) {
  if (type == TarMember::Type::character_device) return S_IFCHR;
  return type == TarMember::Type::block_device ? S_IFBLK : S_IFIFO;
}

}  // namespace

Result<std::string> member_path(std::string_view name) {
  if (name.empty() || name.find('\0') != std::string_view::npos)
    return refused(name, "it has no name", EINVAL);
  if (name.front() == '/') return refused(name, "its name is absolute", EXDEV);
  std::string path;
  for (const std::string_view part : split(name, '/')) {
    if (part == "..") return refused(name, "its name leads out of the folder", EXDEV);
    if (part.empty() || part == ".") continue;
    if (!path.empty()) path += '/';
    path += part;
  }
  return path;
}

TreeUnpacker::TreeUnpacker(sys::Folder folder, std::string path, UnpackOptions options)
    : folder_(std::move(folder)), path_(std::move(path)), options_(std::move(options)) {}

Result<void> TreeUnpacker::take(std::string_view bytes) {
  for (;;) {
    auto item = reader_.next(bytes);
    if (!item) return item.error();
    if (!*item) return {};
    auto done = std::visit(overloaded{[&](const TarMember& member) { return begin_member(member); },
                                      [&](const TarData& data) { return write_data(data.bytes); },
                                      [&](TarProblem& problem) {
                                        problems_.push_back(std::move(problem.message));
                                        return Result<void>();
                                      }},
                           **item);
    if (!done) return done;
  }
}

Result<void> TreeUnpacker::finish() {
  if (!reader_.has_ended()) return Error{"cannot read the archive: it ends too early", EBADMSG};
  return leave_folders({});
}

Result<void> TreeUnpacker::begin_member(const TarMember& member) {
  const auto name = member_path(member.name);
  if (!name) return name.error();
  if (!is_below(*name, options_.only)) return refused(member.name, "it was not asked for", EXDEV);
  if (auto left = leave_folders(*name); !left) return left;
  ++members_;
  switch (member.type) {
    case TarMember::Type::folder:
      return make_folder(member, *name);
    case TarMember::Type::symlink:
    case TarMember::Type::hard_link:
      return make_link(member, *name);
    case TarMember::Type::character_device:
    case TarMember::Type::block_device:
    case TarMember::Type::fifo:
      return make_special(member, *name);
    case TarMember::Type::file:
      break;
  }
  auto place = place_of(*name);
  if (!place) return place.error();
  auto file = sys::NewFile::create(std::move(*place), path_of(*name));
  if (!file) return file.error();
  file_.emplace(File{std::move(*file), attributes_of(member), member.size.count});
  return member.size.count == 0 ? finish_file() : Result<void>();
}

Result<void> TreeUnpacker::write_data(std::string_view bytes) {
  if (auto written = file_->file.write(bytes); !written) return written;
  file_->left -= bytes.size();
  unpacked_.count += bytes.size();
  return file_->left == 0 ? finish_file() : Result<void>();
}

/// Trees are not synced file by file: that would take a disk's round trip for each.
Result<void> TreeUnpacker::finish_file() {
  auto done = file_->file.commit(file_->attributes, sys::Durability::lazy);
  file_.reset();
  return done;
}

Result<void> TreeUnpacker::make_folder(const TarMember& member, const std::string& name) {
  if (name.empty()) return {};
  const auto place = place_of(name);
  if (!place) return place.error();
  if (::mkdirat(place->folder.get(), place->name.c_str(), 0700) == 0) {
    made_.push_back({name, attributes_of(member)});
    return {};
  }
  if (errno != EEXIST) return errno_error(concat("cannot make ", printable(path_of(name))), errno);
  if (auto existing = folder_.open(name, O_PATH | O_DIRECTORY); !existing) return existing.error();
  return {};
}

Result<void> TreeUnpacker::make_link(const TarMember& member, const std::string& name) {
  const auto place = place_of(name);
  if (!place) return place.error();
  if (member.type == TarMember::Type::hard_link) {
    const auto target = member_path(member.target);
    if (!target) return target.error();
    if (!is_below(*target, options_.only)) return refused(member.target, "it was not asked for", EXDEV);
    const auto linked = folder_.find_place(*target);
    if (!linked) return linked.error();
    return sys::replace_entry(*place, path_of(name), [&](int folder, const char* temporary) {
      return ::linkat(linked->folder.get(), linked->name.c_str(), folder, temporary, 0);
    });
  }
  const sys::Attributes attributes = attributes_of(member);
  return sys::replace_entry(*place, path_of(name), [&](int folder, const char* temporary) {
    if (::symlinkat(member.target.c_str(), folder, temporary) != 0) return -1;
    if (!attributes.owner) return 0;
    return ::fchownat(folder, temporary, attributes.owner->uid, attributes.owner->gid, AT_SYMLINK_NOFOLLOW);
  });
}

Result<void> TreeUnpacker::make_special(const TarMember& member, const std::string& name) {
  if (!options_.takes_devices) {
    const bool is_pipe = member.type == TarMember::Type::fifo;
    return refused(path_of(name),
                   is_pipe ? "it is a named pipe, and devices were not asked for"
                           : "it is a device, and devices were not asked for",
                   EPERM);
  }
  const auto place = place_of(name);
  if (!place) return place.error();
  const sys::Attributes attributes = attributes_of(member);
  return sys::replace_entry(*place, path_of(name), [&](int folder, const char* temporary) {
    const dev_t device = makedev(member.device_major, member.device_minor);
    if (::mknodat(folder, temporary, kind_of(member.type) | 0600, device) != 0) return -1;
    if (attributes.owner &&
        ::fchownat(folder, temporary, attributes.owner->uid, attributes.owner->gid, 0) != 0)
      return -1;
    return ::fchmodat(folder, temporary, attributes.mode, 0);
  });
}

/// Completes the folders that the next member is not below; all of them before the end.
Result<void> TreeUnpacker::leave_folders(std::string_view next) {
  while (!made_.empty() && (next.empty() || !is_below(next, made_.back().name))) {
    const MadeFolder made = std::move(made_.back());
    made_.pop_back();
    auto folder = folder_.open(made.name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    if (!folder) return folder.error();
    if (auto applied = sys::apply(made.attributes, folder->get(), path_of(made.name)); !applied)
      return applied;
  }
  return {};
}

Result<sys::Place> TreeUnpacker::place_of(const std::string& name) const {
  if (name.empty()) return refused(path_, "there is a folder", EISDIR);
  auto place = folder_.make_place(name);
  if (!place) return place.error().in(concat("cannot unpack ", printable(name)));
  return place;
}

sys::Attributes TreeUnpacker::attributes_of(const TarMember& member) const {
  sys::Attributes attributes{.mode = member.mode, .owner = {}, .mtime = member.mtime};
  if (!options_.keeps_special_bits) attributes.mode &= ~special_bits;
  if (options_.ownership == UnpackOptions::Ownership::archive) attributes.owner = {member.uid, member.gid};
  if (options_.ownership == UnpackOptions::Ownership::fixed) attributes.owner = options_.owner;
  return attributes;
}

std::string TreeUnpacker::path_of(std::string_view name) const {
  if (name.empty()) return path_;
  return concat(path_, path_.ends_with('/') ? "" : "/", name);
}

}  // namespace kestrel::wire
