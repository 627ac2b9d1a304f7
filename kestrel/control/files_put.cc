// PUT /v1/files: a file that replaces what was there all at once, or a tree from a tar archive.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/control/file_entry.h"
#include "kestrel/control/files.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"
#include "kestrel/sys/new_entry.h"
#include "kestrel/sys/user_db.h"
#include "kestrel/wire/tree_unpacker.h"

namespace kestrel::control {

namespace {

/// What the query says of the file that is to be.
struct Wishes {
  std::optional<std::uint32_t> mode;
  std::optional<sys::Owner> owner;
  bool makes_parents = false;
  bool takes_devices = false;
};

Result<std::optional<std::uint32_t>> read_mode(const wire::Target& target) {
  const auto text = target.find("mode");
  if (!text) return std::optional<std::uint32_t>();
  std::uint32_t mode = 0;
  bool is_sound = !text->empty() && text->size() <= 5;
  for (const char digit : *text) {
    is_sound = is_sound && digit >= '0' && digit <= '7';
    mode = mode * 8 + static_cast<std::uint32_t>(digit - '0');
  }
  if (is_sound && mode <= 07777) return std::optional(mode);
  return Error{concat("cannot read mode=", printable(*text), ": it must be octal, such as 0644"), EINVAL};
}

/// `user`, `user:group` or `:group`, by name or number.
Result<std::optional<sys::Owner>> read_owner(const wire::Target& target) {
  const auto text = target.find("owner");
  if (!text) return std::optional<sys::Owner>();
  const std::size_t colon = text->find(':');
  const std::string_view user = text->substr(0, colon);
  std::optional<std::string> group;
  if (colon != std::string_view::npos) group = text->substr(colon + 1);
  const auto account = sys::find_account("/", user.empty() ? "0" : user, group);
  if (!account) return Error{account.error().message, EINVAL};
  return std::optional(sys::Owner{account->uid, account->gid});
}

Result<Wishes> read_wishes(const wire::Target& target) {
  Wishes wishes;
  const auto mode = read_mode(target);
  if (!mode) return mode.error();
  const auto owner = read_owner(target);
  if (!owner) return owner.error();
  const auto parents = query_flag(target, "parents");
  if (!parents) return parents.error();
  const auto devices = query_flag(target, "devices");
  if (!devices) return devices.error();
  return Wishes{*mode, *owner, *parents, *devices};
}

/// A body that cannot fit is refused before it comes.
Result<void> check_room(const sys::Place& place, const std::string& path, const wire::Headers& headers) {
  const auto announced = wire::find_header(headers, "Content-Length");
  const auto length = announced ? parse_integer(*announced).value_or(0) : 0;
  const Bytes size{static_cast<std::uint64_t>(length)};
  struct statvfs disk {};
  if (::fstatvfs(place.folder.get(), &disk) != 0 || disk.f_blocks == 0) return {};
  const Bytes room{disk.f_bfree * disk.f_frsize};
  if (size <= room) return {};
  return Error{concat("cannot write ", printable(path), ": it has ", format_bytes(size),
                      ", and the disk only ", format_bytes(room), " left"),
               ENOSPC};
}

class NewFileWork final : public Work {
 public:
  NewFileWork(sys::NewFile file, sys::Attributes attributes, int status, std::string path)
      : file_(std::move(file)), attributes_(attributes), status_(status), path_(std::move(path)) {}

  std::optional<wire::Response> take(std::string_view bytes) override {
    if (auto written = file_.write(bytes); !written) return file_problem(written.error());
    return std::nullopt;
  }
  std::optional<wire::Response> go_on() override {
    if (auto done = file_.commit(attributes_, sys::Durability::synced); !done)
      return file_problem(done.error());
    struct stat status {};
    const sys::Place& place = file_.place();
    if (::fstatat(place.folder.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return file_problem(errno_error(concat("cannot read ", printable(path_)), errno));
    OwnerNames owners;
    return wire::json_response(status_, entry_json(place.name, status, {}, owners));
  }

 private:
  sys::NewFile file_;
  sys::Attributes attributes_;
  int status_;
  std::string path_;
};

class TreeWork final : public Work {
 public:
  explicit TreeWork(wire::TreeUnpacker unpacker) : unpacker_(std::move(unpacker)) {}

  std::optional<wire::Response> take(std::string_view bytes) override { return check(unpacker_.take(bytes)); }
  std::optional<wire::Response> go_on() override {
    if (auto refusal = check(unpacker_.finish())) return refusal;
    return wire::json_response(
        200, concat("{\"members\":", unpacker_.members(), ",\"bytes\":", unpacker_.unpacked().count, "}"));
  }

 private:
  /// What came before the error stays, and that is said.
  std::optional<wire::Response> check(const Result<void>& done) const {
    if (done) return std::nullopt;
    const std::uint64_t before = unpacker_.members() > 0 ? unpacker_.members() - 1 : 0;
    const std::string unpacked =
        before == 0 ? "nothing was unpacked"
                    : concat(before, before == 1 ? " member was" : " members were", " unpacked before");
    return file_problem({concat(done.error().message, " (", unpacked, ")"), done.error().code});
  }

  wire::TreeUnpacker unpacker_;
};

Answer put_tree(const FilePath& file, const Wishes& wishes) {
  if (wishes.mode) return wire::problem(400, "cannot use mode=: the members of an archive have their own");
  Result<sys::UniqueFd> folder = file.folder.open(file.path, O_PATH | O_DIRECTORY);
  if (!folder && folder.error().code == ENOENT && wishes.makes_parents) {
    folder = file.folder.make_folder(file.path);
  }
  if (!folder) return file_problem(folder.error());
  wire::UnpackOptions options{.takes_devices = wishes.takes_devices};
  if (wishes.owner) {
    options.ownership = wire::UnpackOptions::Ownership::fixed;
    options.owner = *wishes.owner;
  }
  return std::make_unique<TreeWork>(
      wire::TreeUnpacker(sys::Folder(std::move(*folder), sys::Reach::below), file.path, std::move(options)));
}

Answer put_one(const Call& call, const FilePath& file, const Wishes& wishes) {
  auto place = wishes.makes_parents ? file.folder.make_place(file.path) : file.folder.find_place(file.path);
  if (!place) return file_problem(place.error());
  if (auto room = check_room(*place, file.path, call.request.headers); !room)
    return file_problem(room.error());

  struct stat old {};
  const bool is_new = ::fstatat(place->folder.get(), place->name.c_str(), &old, AT_SYMLINK_NOFOLLOW) != 0;
  if (!is_new && S_ISDIR(old.st_mode))
    return file_problem(errno_error(concat("cannot write ", printable(file.path)), EISDIR));
  sys::Attributes attributes{.mode = wishes.mode.value_or(0644), .owner = wishes.owner, .mtime = {}};
  if (!is_new && S_ISREG(old.st_mode)) {
    if (!wishes.mode) attributes.mode = old.st_mode & 07777;
    if (!wishes.owner) attributes.owner = sys::Owner{old.st_uid, old.st_gid};
  }
  auto written = sys::NewFile::create(std::move(*place), file.path);
  if (!written) return file_problem(written.error());
  return std::make_unique<NewFileWork>(std::move(*written), attributes, is_new ? 201 : 200, file.path);
}

}  // namespace

Answer put_file(const Call& call) {
  const auto file = read_file_path(call.target);
  if (!file) return file_problem(file.error());
  const auto wishes = read_wishes(call.target);
  if (!wishes) return file_problem(wishes.error());
  if (names_tar(call.request.headers, "Content-Type")) return put_tree(*file, *wishes);
  return put_one(call, *file, *wishes);
}

}  // namespace kestrel::control
