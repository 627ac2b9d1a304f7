#include "hostd/images/bundle.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "hostd/images/archive_reader.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t most_manifest = 1024 * 1024;

class ArchivedBundle final : public BundleReader {
 public:
  explicit ArchivedBundle(ArchiveReader reader) : reader_(std::move(reader)) {}

  Result<std::optional<std::string>> next() override {
    while (true) {
      auto member = reader_.next();
      if (!member) return member.error();
      if (!*member) return std::optional<std::string>();
      const bool is_inside = (*member)->name.find('/') == std::string::npos;
      if ((*member)->kind == ArchiveMember::Kind::file && is_inside) return std::optional((*member)->name);
    }
  }
  Result<std::string_view> read() override { return reader_.read(); }

 private:
  ArchiveReader reader_;
};

class FolderBundle final : public BundleReader {
 public:
  FolderBundle(std::string path, std::vector<std::string> names)
      : path_(std::move(path)), names_(std::move(names)), buffer_(256 * 1024, '\0') {}

  Result<std::optional<std::string>> next() override {
    if (names_.empty()) return std::optional<std::string>();
    std::string name = std::move(names_.back());
    names_.pop_back();
    file_path_ = concat(path_, '/', name);
    file_ = sys::UniqueFd(::open(file_path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file_.is_open()) return errno_error(concat("cannot open ", file_path_), errno);
    return std::optional(std::move(name));
  }

  Result<std::string_view> read() override {
    const ssize_t count = ::read(file_.get(), buffer_.data(), buffer_.size());
    if (count < 0) return errno_error(concat("cannot read ", file_path_), errno);
    return std::string_view(buffer_).substr(0, static_cast<std::size_t>(count));
  }

 private:
  std::string path_;
  std::vector<std::string> names_;  ///< the next one is last
  std::string file_path_;
  sys::UniqueFd file_;
  std::string buffer_;
};

Result<std::vector<std::string>> files_of(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), ::closedir);
  if (!folder) return errno_error(concat("cannot open ", path), errno);
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(folder.get())) {
    struct stat status {};
    // Symlinks are followed: a kernel is often one.
    const bool is_there = ::fstatat(::dirfd(folder.get()), entry->d_name, &status, 0) == 0;
    if (is_there && S_ISREG(status.st_mode)) names.emplace_back(entry->d_name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

Result<std::unique_ptr<BundleReader>> BundleReader::open(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno_error(concat("cannot open ", path), errno);
  if (S_ISDIR(status.st_mode)) {
    auto names = files_of(path);
    if (!names) return names.error();
    return std::unique_ptr<BundleReader>(std::make_unique<FolderBundle>(path, std::move(*names)));
  }
  auto reader = ArchiveReader::open(path);
  if (!reader) return reader.error();
  return std::unique_ptr<BundleReader>(std::make_unique<ArchivedBundle>(std::move(*reader)));
}

Result<std::string> read_bundled_manifest(const std::string& path) {
  const auto bundle = BundleReader::open(path);
  if (!bundle) return bundle.error();
  while (true) {
    const auto name = (*bundle)->next();
    if (!name) return name.error();
    if (!*name) return Error{concat("cannot read ", path, ": it has no ", manifest_file)};
    if (**name != manifest_file) continue;
    std::string text;
    while (true) {
      const auto bytes = (*bundle)->read();
      if (!bytes) return bytes.error();
      if (bytes->empty()) return text;
      text += *bytes;
      if (text.size() > most_manifest)
        return Error{concat("cannot read ", path, ": its manifest is too long")};
    }
  }
}

}  // namespace kestrel::hostd
