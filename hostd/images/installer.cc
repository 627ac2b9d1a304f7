#include "hostd/images/installer.h"

#include <set>

#include "hostd/images/bundle.h"
#include "hostd/images/sha256.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/folder.h"
#include "kestrel/sys/new_entry.h"

namespace kestrel::hostd {

namespace {

/// Others on this host may run images as well, and nobody changes them.
constexpr sys::Attributes read_only{.mode = 0444, .owner = {}, .mtime = {}};

Result<sys::NewFile> create(const std::string& path) {
  const auto root = sys::Folder::open("/", sys::Reach::anywhere);
  if (!root) return root.error();
  auto place = root->make_place(path);
  if (!place) return place.error();
  return sys::NewFile::create(std::move(*place), path);
}

/// The file that the bundle is at becomes a blob. Its size.
Result<Bytes> store_blob(const Store& store, BundleReader& bundle, const std::string& name,
                         const std::string& digest) {
  auto file = create(store.blob_path(digest));
  if (!file) return file.error();
  Sha256 hash;
  Bytes size;
  while (true) {
    const auto bytes = bundle.read();
    if (!bytes) return bytes.error();
    if (bytes->empty()) break;
    hash.update(*bytes);
    size.count += bytes->size();
    if (const auto written = file->write(*bytes); !written) return written.error();
  }
  if (hash.finish() != digest) return Error{concat("the checksum of ", name, " is wrong")};
  if (const auto kept = file->commit(read_only, sys::Durability::synced); !kept) return kept.error();
  return size;
}

Result<Bytes> store_blobs(const Store& store, const std::string& path, const BundleContents& contents) {
  const auto bundle = BundleReader::open(path);
  if (!bundle) return bundle.error();
  std::set<std::string> missing;
  for (const auto& [name, digest] : contents.digests) missing.insert(name);
  Bytes total;
  while (!missing.empty()) {
    const auto name = (*bundle)->next();
    if (!name) return name.error();
    if (!*name) return Error{concat("it has no ", *missing.begin(), ", which its manifest names")};
    if (missing.erase(**name) == 0) continue;
    const auto size = store_blob(store, **bundle, **name, contents.digests.at(**name));
    if (!size) return size.error();
    total.count += size->count;
  }
  return total;
}

/// Later than that of every image of this name, whatever the clock does: the newest is the one installed
/// last.
WallTime time_of_installation(const Store& store, const std::string& name) {
  const WallTime now = sys::wall_now();
  const auto newest = store.find({name, ""});
  return newest && newest->installed >= now ? newest->installed + milliseconds(1) : now;
}

Result<StoredImage> install(const Store& store, const std::string& path, const FindImageUsers& find_users) {
  const auto manifest = read_bundled_manifest(path);
  if (!manifest) return manifest.error();
  const auto contents = parse_bundle_contents(*manifest);
  if (!contents) return contents.error();
  // What could not be run is not installed.
  if (const auto image = parse_manifest(*manifest, "/"); !image) return image.error();

  const auto lock = store.lock();
  if (!lock) return lock.error();
  const auto size = store_blobs(store, path, *contents);
  if (!size) return size.error();
  const std::string record =
      make_record(*manifest, *contents, *size, time_of_installation(store, contents->reference.name));
  auto file = create(store.record_path(contents->reference));
  if (!file) return file.error();
  if (const auto written = file->write(record); !written) return written.error();
  if (const auto kept = file->commit(read_only, sys::Durability::synced); !kept) return kept.error();
  // It is installed. What is of no use any more goes with the next change, where it cannot go now.
  if (const auto users = find_users()) static_cast<void>(store.collect_garbage(*lock, *users));
  return parse_record(record);
}

}  // namespace

Result<StoredImage> install_image(const Store& store, const std::string& path,
                                  const FindImageUsers& find_users) {
  auto installed = install(store, path, find_users);
  if (!installed) return installed.error().in(concat("cannot install ", path));
  return installed;
}

}  // namespace kestrel::hostd
