#include "hostd/images/stored_image.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "hostd/images/sha256.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// The members of a manifest that name files.
constexpr std::string_view artifact_keys[] = {"kernel", "initramfs", "rootfs"};

std::string text_of(const json& object, std::string_view key) {
  const auto member = object.find(key);
  return member == object.end() || !member->is_string() ? "" : member->get<std::string>();
}

std::string dump(const json& document) {
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Error wrong(std::string_view cause) { return Error{concat("cannot read manifest.json: ", cause)}; }

json public_form(const StoredImage& stored) {
  return {{"name", stored.reference.name},     {"version", stored.reference.version},
          {"description", stored.description}, {"installed", format_time(stored.installed)},
          {"size_bytes", stored.size.count},   {"manifest", json::parse(stored.manifest, nullptr, false)}};
}

}  // namespace

Result<BundleContents> parse_bundle_contents(std::string_view manifest) {
  const json document = json::parse(manifest, nullptr, false);
  if (!document.is_object()) return wrong("it is not a JSON object");
  BundleContents contents{{text_of(document, "name"), text_of(document, "version")}, {}};
  if (!is_image_name(contents.reference.name))
    return wrong("`name` is not one of lower case letters, digits, `.`, `_` and `-`");
  if (!is_image_version(contents.reference.version))
    return wrong("`version` is not one of letters, digits, `.`, `_`, `-` and `+`");
  const auto checksums = document.value("checksums", json::object());
  for (const std::string_view key : artifact_keys) {
    const std::string file = text_of(document, key);
    if (file.empty()) continue;
    if (file.find('/') != std::string::npos)
      return wrong(concat("`", key, "` is a path, not a file beside it"));
    const std::string digest = checksums.is_object() ? text_of(checksums, file) : "";
    if (!is_digest(digest)) return wrong(concat("`checksums` has no SHA-256 of ", file));
    contents.digests[file] = digest;
  }
  return contents;
}

std::string make_record(std::string_view manifest, const BundleContents& contents, Bytes size,
                        WallTime installed) {
  json document = json::parse(manifest, nullptr, false);
  for (const std::string_view key : artifact_keys) {
    if (const auto digest = contents.digests.find(text_of(document, key)); digest != contents.digests.end())
      document[std::string(key)] = digest->second;
  }
  document.erase("checksums");
  return dump({{"installed", format_time(installed)}, {"size_bytes", size.count}, {"manifest", document}});
}

Result<StoredImage> parse_record(std::string_view record) {
  const json document = json::parse(record, nullptr, false);
  const auto manifest = document.is_object() ? document.find("manifest") : document.end();
  const auto installed = parse_time(document.is_object() ? text_of(document, "installed") : "");
  if (manifest == document.end() || !manifest->is_object() || !installed)
    return Error{"cannot read the record of an image: it is not what was written"};

  StoredImage stored;
  stored.reference = {text_of(*manifest, "name"), text_of(*manifest, "version")};
  stored.description = text_of(*manifest, "description");
  stored.installed = *installed;
  const auto size = document.find("size_bytes");
  if (size != document.end() && size->is_number_unsigned()) stored.size = {size->get<std::uint64_t>()};
  for (const std::string_view key : artifact_keys) {
    if (auto digest = text_of(*manifest, key); !digest.empty()) stored.blobs.push_back(std::move(digest));
  }
  std::sort(stored.blobs.begin(), stored.blobs.end());
  stored.blobs.erase(std::unique(stored.blobs.begin(), stored.blobs.end()), stored.blobs.end());
  stored.manifest = manifest->dump();
  return stored;
}

Result<Image> to_image(const StoredImage& stored, const std::string& blobs) {
  return parse_manifest(stored.manifest, blobs);
}

std::string to_json(const StoredImage& stored) { return dump(public_form(stored)); }

std::string to_json(const std::vector<StoredImage>& images) {
  json list = json::array();
  for (const StoredImage& image : images) list.push_back(public_form(image));
  return dump({{"images", list}});
}

}  // namespace kestrel::hostd
