// An image that is installed, as the store remembers it: its manifest, in which the digests of its files
// stand in place of their names, and when it was installed. Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hostd/image.h"
#include "hostd/images/reference.h"
#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// What a bundle's manifest says of the files to install.
struct BundleContents {
  ImageReference reference;
  std::map<std::string, std::string> digests;  ///< of each file that it names
};

/// An error where the manifest has no name, no version, or no checksum of a file that it names.
[[nodiscard]] Result<BundleContents> parse_bundle_contents(std::string_view manifest);

struct StoredImage {
  ImageReference reference;
  std::string description;
  WallTime installed;
  Bytes size;                      ///< of its files
  std::vector<std::string> blobs;  ///< their digests, sorted, each once
  std::string manifest;            ///< JSON, with digests as paths
};

/// The record of an image, which is to be kept in a file.
[[nodiscard]] std::string make_record(std::string_view manifest, const BundleContents& contents, Bytes size,
                                      WallTime installed);
[[nodiscard]] Result<StoredImage> parse_record(std::string_view record);

/// The image as it can be run, with its files in the folder `blobs`.
[[nodiscard]] Result<Image> to_image(const StoredImage& stored, const std::string& blobs);

/// For programs: one object, or `{"images": [...]}`.
[[nodiscard]] std::string to_json(const StoredImage& stored);
[[nodiscard]] std::string to_json(const std::vector<StoredImage>& images);

}  // namespace kestrel::hostd
