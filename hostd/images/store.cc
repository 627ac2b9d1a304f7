#include "hostd/images/store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "hostd/images/sha256.h"
#include "hostd/state_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/directory.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/folder.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view record_suffix = ".json";

/// What a folder has in it; nothing where it is not there.
Result<std::vector<std::string>> names_in(const std::string& path) {
  std::vector<std::string> names;
  sys::UniqueFd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) {
    if (errno == ENOENT) return names;
    return errno_error(concat("cannot open ", path), errno);
  }
  sys::DirectoryReader reader(std::move(folder));
  while (true) {
    auto name = reader.next();
    if (!name) return name.error().in(concat("cannot read ", path));
    if (!*name) return names;
    names.push_back(std::move(**name));
  }
}

bool is_newer(const StoredImage& a, const StoredImage& b) {
  if (a.installed != b.installed) return a.installed > b.installed;
  return a.reference.version > b.reference.version;
}

/// The VM that uses the blob; empty: none.
std::string user_of(std::string_view digest, const ImageUsers& users) {
  for (const auto& [name, spec] : users) {
    if (spec.find(digest) != std::string::npos) return name;
  }
  return {};
}

std::set<std::string> blobs_of(const std::vector<StoredImage>& images) {
  std::set<std::string> digests;
  for (const StoredImage& image : images) digests.insert(image.blobs.begin(), image.blobs.end());
  return digests;
}

}  // namespace

Store Store::standard() { return Store(concat(state_dir(), "/images")); }

std::string Store::blob_path(std::string_view digest) const { return concat(folder_, "/blobs/", digest); }

std::string Store::record_path(const ImageReference& reference) const {
  return concat(folder_, "/manifests/", reference.name, '/', reference.version, record_suffix);
}

Result<std::vector<StoredImage>> Store::versions_of(const std::string& name) const {
  std::vector<StoredImage> images;
  const auto files = names_in(concat(folder_, "/manifests/", name));
  if (!files) return files.error();
  for (const std::string& file : *files) {
    // Others are being written, or were when somebody was killed.
    if (file.starts_with('.') || !file.ends_with(record_suffix)) continue;
    const std::string path = concat(folder_, "/manifests/", name, '/', file);
    const auto text = sys::read_file(path);
    if (!text && text.error().code == ENOENT) continue;
    auto image = text ? parse_record(*text) : text.error();
    if (!image) return image.error().in(path);
    images.push_back(std::move(*image));
  }
  std::sort(images.begin(), images.end(), is_newer);
  return images;
}

Result<std::vector<StoredImage>> Store::list() const {
  auto names = names_in(folder_ + "/manifests");
  if (!names) return names.error();
  std::sort(names->begin(), names->end());
  std::vector<StoredImage> images;
  for (const std::string& name : *names) {
    auto versions = versions_of(name);
    if (!versions) return versions.error();
    std::move(versions->begin(), versions->end(), std::back_inserter(images));
  }
  return images;
}

Result<StoredImage> Store::find(const ImageReference& reference) const {
  auto versions = versions_of(reference.name);
  if (!versions) return versions.error();
  for (StoredImage& image : *versions) {
    if (reference.version.empty() || image.reference.version == reference.version) return std::move(image);
  }
  return Error{concat("cannot find image ", format_reference(reference), ": it is not installed"), ENOENT};
}

Result<Image> Store::resolve(std::string_view text) const {
  const auto reference = parse_reference(text);
  if (!reference) return reference.error();
  const auto stored = find(*reference);
  if (!stored) return stored.error();
  return to_image(*stored, folder_ + "/blobs");
}

Result<Store::Lock> Store::lock() const {
  const auto root = sys::Folder::open("/", sys::Reach::anywhere);
  if (!root) return root.error();
  for (const char* part : {"/blobs", "/manifests"}) {
    if (const auto made = root->make_folder(folder_ + part); !made) return made.error();
  }
  sys::UniqueFd folder(::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder.is_open()) return errno_error(concat("cannot open ", folder_), errno);
  while (::flock(folder.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return errno_error(concat("cannot lock ", folder_), errno);
  }
  return Lock(std::move(folder));
}

Result<void> Store::check_unused(const StoredImage& image, const ImageUsers& users) const {
  auto others = list();
  if (!others) return others.error();
  std::erase_if(*others, [&](const StoredImage& other) { return other.reference == image.reference; });
  // What another image has, too, such as a kernel, tells nothing about who uses this one.
  const std::set<std::string> shared = blobs_of(*others);
  for (const std::string& digest : image.blobs) {
    if (shared.contains(digest)) continue;
    if (const auto user = user_of(digest, users); !user.empty()) {
      return Error{
          concat("cannot remove image ", format_reference(image.reference), ": VM ", user, " uses it"),
          EBUSY};
    }
  }
  return {};
}

Result<void> Store::remove(const StoredImage& image, const FindImageUsers& find_users,
                           Removal removal) const {
  const auto locked = lock();
  if (!locked) return locked.error();
  const auto users = find_users();
  if (!users) return users.error().in(concat("cannot remove image ", format_reference(image.reference)));
  if (removal == Removal::careful) {
    if (auto unused = check_unused(image, *users); !unused) return unused;
  }
  const std::string path = record_path(image.reference);
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    return errno_error(concat("cannot remove ", path), errno);
  // Fails where it has another version.
  ::rmdir(path.substr(0, path.rfind('/')).c_str());
  if (const auto collected = collect_garbage(*locked, *users); !collected) return collected.error();
  return {};
}

Result<Bytes> Store::collect_garbage(const Lock&, const ImageUsers& users) const {
  const auto images = list();
  if (!images) return images.error();
  const auto names = names_in(folder_ + "/blobs");
  if (!names) return names.error();
  const std::set<std::string> needed = blobs_of(*images);
  Bytes freed;
  for (const std::string& name : *names) {
    // Whatever is not a digest was being written when somebody was killed.
    if (needed.contains(name) || (is_digest(name) && !user_of(name, users).empty())) continue;
    const std::string path = blob_path(name);
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0) freed.count += static_cast<std::uint64_t>(status.st_size);
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
      return errno_error(concat("cannot remove ", path), errno);
  }
  return freed;
}

}  // namespace kestrel::hostd
