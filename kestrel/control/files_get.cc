// GET and HEAD /v1/files: a file's bytes, a folder's listing, or either as a tar archive.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/control/file_entry.h"
#include "kestrel/control/files.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"
#include "kestrel/sys/directory.h"
#include "kestrel/wire/tree_packer.h"

namespace kestrel::control {

namespace {

constexpr std::size_t piece = 128 * 1024;
constexpr int entries_per_piece = 128;

/// What is made here is there at once: nobody ever waits.
class FileSource : public BodySource {
 public:
  FileSource(std::string_view type, std::string entry)
      : headers_{{"Content-Type", std::string(type)}, {"Kestrel-Entry", std::move(entry)}} {}
  BodyHead head() const override { return {.headers = headers_}; }
  Followers& followers() override { return followers_; }

 private:
  wire::Headers headers_;
  Followers followers_;
};

/// A file as long as it was at the beginning. The files of /proc do not say how long they are: they go in
/// chunks, up to their end.
class FileBody final : public FileSource {
 public:
  FileBody(sys::UniqueFd file, std::uint64_t size, std::string entry)
      : FileSource("application/octet-stream", std::move(entry)), file_(std::move(file)), left_(size) {
    if (size > 0) length_ = Bytes{size};
    ::posix_fadvise(file_.get(), 0, 0, POSIX_FADV_SEQUENTIAL);
  }

  BodyHead head() const override {
    BodyHead head = FileSource::head();
    head.length = length_;
    return head;
  }
  State produce(BodyPiece& out) override {
    // One for all: what is lent is sent, or copied, before the next piece is made. A string would be cleared
    // first, which costs as much as reading the file does.
    static std::array<char, piece> buffer;
    const std::size_t most = length_ ? std::min<std::uint64_t>(left_, buffer.size()) : buffer.size();
    const ssize_t count = ::read(file_.get(), buffer.data(), most);
    if (count < 0) return errno == EINTR ? State::more : State::failed;
    out.lent = {buffer.data(), static_cast<std::size_t>(count)};
    if (!length_) return count == 0 ? State::finished : State::more;
    left_ -= out.lent.size();
    if (left_ == 0) return State::finished;
    return count == 0 ? State::failed : State::more;
  }

 private:
  sys::UniqueFd file_;
  std::uint64_t left_;
  std::optional<Bytes> length_;
};

/// `{"entries": […]}`, in the file system's order: to sort them they would all have to be held.
class ListingBody final : public FileSource {
 public:
  ListingBody(sys::UniqueFd folder, std::string entry)
      : FileSource("application/json", std::move(entry)), reader_(std::move(folder)) {}

  State produce(BodyPiece& out) override {
    if (!std::exchange(has_begun_, true)) out.made += "{\"entries\":[";
    for (int i = 0; i < entries_per_piece; ++i) {
      const auto name = reader_.next();
      if (!name) return State::failed;
      if (!*name) {
        out.made += "]}\n";
        return State::finished;
      }
      add(out.made, **name);
    }
    return State::more;
  }

 private:
  void add(std::string& out, const std::string& name) {
    struct stat status {};
    // What is gone by now is none of its entries any more.
    if (::fstatat(reader_.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;
    out += std::exchange(separator_, ",");
    out += entry_json(name, status, link_target(reader_.fd(), name.c_str(), status), owners_);
  }

  sys::DirectoryReader reader_;
  OwnerNames owners_;
  bool has_begun_ = false;
  const char* separator_ = "";
};

class TreeBody final : public FileSource {
 public:
  TreeBody(wire::TreePacker packer, std::string entry)
      : FileSource("application/x-tar", std::move(entry)), packer_(std::move(packer)) {}

  State produce(BodyPiece& out) override {
    const bool has_more = packer_.produce(out.made);
    if (packer_.is_between_members()) {
      for (const std::string& problem : packer_.take_problems()) out.made += wire::tar_problem(problem);
    }
    if (has_more) return State::more;
    out.made += wire::tar_end();
    return State::finished;
  }

 private:
  wire::TreePacker packer_;
};

wire::Response entry_response(std::string entry) {
  wire::Response response = wire::json_response(200, entry);
  response.headers.emplace_back("Kestrel-Entry", std::move(entry));
  return response;
}

Answer get_tree(const Call& call, const FilePath& file, bool follows, std::string entry) {
  const auto name = call.target.find("name");
  std::string top(name ? *name : sys::last_part(file.path));
  if (top.empty()) top = ".";
  auto packer = wire::TreePacker::open(file.folder, file.path, follows, {.top = std::move(top), .owner = {}});
  if (!packer) return file_problem(packer.error());
  return std::make_unique<TreeBody>(std::move(*packer), std::move(entry));
}

}  // namespace

Answer get_file(const Call& call) {
  const auto file = read_file_path(call.target);
  if (!file) return file_problem(file.error());
  const Result<bool> is_about_it = query_flag(call.target, "stat");
  if (!is_about_it) return wire::problem(400, is_about_it.error().message);
  const Result<bool> follows = call.target.find("follow") ? query_flag(call.target, "follow") : true;
  if (!follows) return wire::problem(400, follows.error().message);
  const int last = *follows ? 0 : O_NOFOLLOW;
  // O_PATH first: opening a device or a pipe for reading would do something to it.
  const auto found = file->folder.open(file->path, O_PATH | last);
  if (!found) return file_problem(found.error());
  struct stat status {};
  if (::fstat(found->get(), &status) != 0)
    return file_problem(errno_error(concat("cannot read ", printable(file->path)), errno));
  OwnerNames owners;
  std::string entry =
      entry_json(sys::last_part(file->path), status, link_target(found->get(), "", status), owners);
  if (*is_about_it) return entry_response(std::move(entry));
  if (names_tar(call.request.headers, "Accept")) return get_tree(call, *file, *follows, std::move(entry));
  if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)) return entry_response(std::move(entry));
  auto content = file->folder.open(file->path, O_RDONLY | O_NONBLOCK | last);
  if (!content) return file_problem(content.error());
  if (S_ISDIR(status.st_mode)) return std::make_unique<ListingBody>(std::move(*content), std::move(entry));
  return std::make_unique<FileBody>(std::move(*content), static_cast<std::uint64_t>(status.st_size),
                                    std::move(entry));
}

}  // namespace kestrel::control
