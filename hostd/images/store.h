// The images that are installed.
//
//   FOLDER/blobs/DIGEST                 a file of an image, named by its SHA-256
//   FOLDER/manifests/NAME/VERSION.json  which of them make an image (stored_image.h)
//
// Each of these files comes into being whole (sys/new_entry.h), a manifest after the blobs that it names. So
// a kill at any moment leaves the store as it was, but for blobs that no manifest names, which the next
// change removes. Changes exclude each other by a lock on FOLDER; readers need none.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/image.h"
#include "hostd/images/reference.h"
#include "hostd/images/stored_image.h"
#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

/// Who uses files of the store: the text of each VM's spec by the VM's name. A blob whose digest occurs in
/// it, in whatever place, is in use.
using ImageUsers = std::map<std::string, std::string>;
/// Asked while nobody else can change the store: who begins to use an image after that finds out by himself
/// whether it is still there.
using FindImageUsers = std::function<Result<ImageUsers>()>;

class Store {
 public:
  /// `folder` need not exist yet.
  explicit Store(std::string folder) : folder_(std::move(folder)) {}
  /// That of state_dir().
  [[nodiscard]] static Store standard();

  /// By name, the one that was installed last first.
  [[nodiscard]] Result<std::vector<StoredImage>> list() const;
  /// Error code ENOENT: there is none.
  [[nodiscard]] Result<StoredImage> find(const ImageReference& reference) const;
  /// The image of this reference, as it can be run. Its files are there as long as it is installed, or in
  /// use.
  [[nodiscard]] Result<Image> resolve(std::string_view reference) const;

  /// Error code EBUSY: a VM uses it, and `force` is not given. With it the name goes, and what the VM uses
  /// stays until the first change after the VM's end.
  enum class Removal { careful, forced };
  [[nodiscard]] Result<void> remove(const StoredImage& image, const FindImageUsers& find_users,
                                    Removal removal) const;

  /// For whoever changes the store. The folders are made where they are missing.
  class Lock {
   public:
    explicit Lock(sys::UniqueFd folder) : folder_(std::move(folder)) {}

   private:
    sys::UniqueFd folder_;
  };
  [[nodiscard]] Result<Lock> lock() const;
  /// Removes the blobs that neither an image nor a VM needs, and says how much that was.
  [[nodiscard]] Result<Bytes> collect_garbage(const Lock& lock, const ImageUsers& users) const;

  [[nodiscard]] const std::string& folder() const { return folder_; }
  [[nodiscard]] std::string blob_path(std::string_view digest) const;
  [[nodiscard]] std::string record_path(const ImageReference& reference) const;

 private:
  [[nodiscard]] Result<std::vector<StoredImage>> versions_of(const std::string& name) const;
  [[nodiscard]] Result<void> check_unused(const StoredImage& image, const ImageUsers& users) const;

  std::string folder_;
};

}  // namespace kestrel::hostd
