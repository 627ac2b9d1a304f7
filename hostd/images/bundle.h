// An image as it travels: a manifest.json and the files that it names, in a folder or in an archive of one.
// Files of other names, and what lies in folders below, are not looked at.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

inline constexpr std::string_view manifest_file = "manifest.json";

/// Goes through a bundle's files once, in whatever order they come.
class BundleReader {
 public:
  [[nodiscard]] static Result<std::unique_ptr<BundleReader>> open(const std::string& path);
  virtual ~BundleReader() = default;

  /// The next file's name; nullopt at the end.
  [[nodiscard]] virtual Result<std::optional<std::string>> next() = 0;
  /// The next bytes of the file, valid until the next call; empty at its end.
  [[nodiscard]] virtual Result<std::string_view> read() = 0;
};

/// The text of the bundle's manifest.
[[nodiscard]] Result<std::string> read_bundled_manifest(const std::string& path);

}  // namespace kestrel::hostd
