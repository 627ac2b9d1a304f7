// DELETE /v1/files, and what all methods share.
#include "kestrel/control/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"
#include "kestrel/sys/directory.h"

namespace kestrel::control {

namespace {

int status_of(int code) {
  switch (code) {
    case ENOENT:
      return 404;
    case EACCES:
    case EPERM:
    case EROFS:
    case ELOOP:
    case EXDEV:
      return 403;
    case ENOTDIR:
    case EISDIR:
    case EEXIST:
    case ENOTEMPTY:
    case EBUSY:
    case ETXTBSY:
      return 409;
    case ENOSPC:
    case EDQUOT:
      return 507;
    case EFBIG:
      return 413;
    case ENOSYS:
      return 501;
    case 0:
    case EINVAL:
    case EBADMSG:
    case ENAMETOOLONG:
      return 400;
    default:
      return 500;
  }
}

/// The removal of a tree, a step in each turn of the loop.
class Removal final : public Work {
 public:
  explicit Removal(sys::TreeRemoval removal) : removal_(std::move(removal)) {}

  std::optional<wire::Response> take(std::string_view) override { return std::nullopt; }
  std::optional<wire::Response> go_on() override {
    const Result<bool> is_done = removal_.step();
    if (!is_done) return file_problem(is_done.error());
    return *is_done ? std::optional(empty_response(204)) : std::nullopt;
  }

 private:
  sys::TreeRemoval removal_;
};

wire::Response remove_one(const sys::Place& place, const std::string& path) {
  const int folder = place.folder.get();
  if (::unlinkat(folder, place.name.c_str(), 0) == 0) return empty_response(204);
  if (errno == EISDIR && ::unlinkat(folder, place.name.c_str(), AT_REMOVEDIR) == 0)
    return empty_response(204);
  Error error = errno_error(concat("cannot remove ", printable(path)), errno);
  if (error.code == ENOTEMPTY) error.message += "; recursive=1 removes what is in it, too";
  return file_problem(error);
}

}  // namespace

Result<FilePath> read_file_path(const wire::Target& target) {
  const auto path = target.find("path");
  if (!path || path->empty()) return Error{"cannot tell which file is meant: path= is missing", EINVAL};
  const auto root = target.find("root");
  if (!root && !path->starts_with('/'))
    return Error{concat("cannot read path=", printable(*path), ": it must begin with /"), EINVAL};
  if (root && !root->starts_with('/'))
    return Error{concat("cannot read root=", printable(*root), ": it must begin with /"), EINVAL};
  auto folder =
      sys::Folder::open(std::string(root.value_or("/")), root ? sys::Reach::as_root : sys::Reach::anywhere);
  if (!folder) return folder.error();
  return FilePath{std::string(*path), std::move(*folder)};
}

wire::Response file_problem(const Error& error) {
  return wire::problem(status_of(error.code), error.message);
}

bool names_tar(const wire::Headers& headers, std::string_view header) {
  const auto value = wire::find_header(headers, header);
  if (!value) return false;
  for (const std::string_view each : split(*value, ',')) {
    if (trim(each.substr(0, each.find(';'))) == "application/x-tar") return true;
  }
  return false;
}

Answer delete_file(const Call& call) {
  const auto file = read_file_path(call.target);
  if (!file) return file_problem(file.error());
  const Result<bool> is_recursive = query_flag(call.target, "recursive");
  if (!is_recursive) return wire::problem(400, is_recursive.error().message);
  auto place = file->folder.find_place(file->path);
  if (!place) return file_problem(place.error());
  if (!*is_recursive) return remove_one(*place, file->path);
  return std::make_unique<Removal>(sys::TreeRemoval(std::move(*place), file->path));
}

}  // namespace kestrel::control
