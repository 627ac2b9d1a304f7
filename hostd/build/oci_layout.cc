#include "hostd/build/oci_layout.h"

#include <sys/stat.h>

#include <nlohmann/json.hpp>
#include <vector>

#include "hostd/build/tree_sources.h"
#include "hostd/images/sha256.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

constexpr std::string_view digest_prefix = "sha256:";
constexpr std::string_view whiteout = ".wh.";
constexpr std::string_view opaque = ".wh..wh..opq";

std::string text_of(const json& object, const char* key) {
  if (!object.is_object()) return {};
  const auto member = object.find(key);
  return member == object.end() || !member->is_string() ? "" : member->get<std::string>();
}

std::vector<std::string> texts_of(const json& object, const char* key) {
  std::vector<std::string> texts;
  const auto member = object.is_object() ? object.find(key) : object.end();
  if (member == object.end() || !member->is_array()) return texts;
  for (const json& element : *member) {
    if (element.is_string()) texts.push_back(element.get<std::string>());
  }
  return texts;
}

/// The blob that a descriptor names, after a look at its digest.
Result<std::string> blob_path(const std::string& layout, const json& descriptor) {
  const std::string digest = text_of(descriptor, "digest");
  if (!digest.starts_with(digest_prefix) || !is_digest(std::string_view(digest).substr(digest_prefix.size())))
    return Error{concat("it names a blob `", printable(digest), "`, which is no SHA-256")};
  const std::string wanted = digest.substr(digest_prefix.size());
  std::string path = concat(layout, "/blobs/sha256/", wanted);
  const auto found = digest_of_file(path);
  if (!found) return found.error();
  if (*found != wanted) return Error{concat(path, " is not what its name says")};
  return path;
}

Result<json> read_document(const std::string& path) {
  const auto text = sys::read_file(path, mebibytes(16));
  if (!text) return text.error();
  json document = json::parse(*text, nullptr, false);
  if (!document.is_object()) return Error{concat(path, " is not a JSON object")};
  return document;
}

bool is_for_this_machine(const json& descriptor) {
  const auto platform = descriptor.find("platform");
  if (platform == descriptor.end()) return true;
  return text_of(*platform, "architecture") == "amd64" && text_of(*platform, "os") == "linux";
}

/// From the index, which may name further ones, to the manifest.
Result<json> find_manifest(const std::string& layout) {
  auto document = read_document(layout + "/index.json");
  for (int depth = 0; depth < 4 && document && document->contains("manifests"); ++depth) {
    const json manifests = document->at("manifests");
    const json* chosen = nullptr;
    for (const json& descriptor : manifests) {
      if (descriptor.is_object() && is_for_this_machine(descriptor)) chosen = &descriptor;
    }
    if (chosen == nullptr) return Error{"it has no image for amd64"};
    const auto path = blob_path(layout, *chosen);
    if (!path) return path.error();
    document = read_document(*path);
  }
  return document;
}

/// A layer is read to its end before it changes anything: its whiteouts are about the layers below alone.
struct Layer {
  Tree tree;
  std::vector<std::pair<std::string, TreeEntry>> entries;
  std::vector<std::string> removed;
  std::vector<std::string> cleared;
};

/// Whether the member was one that takes something away.
bool take_whiteout(const std::string& name, Layer& layer) {
  const auto slash = name.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : name.substr(0, slash);
  const std::string last = slash == std::string::npos ? name : name.substr(slash + 1);
  if (!last.starts_with(whiteout)) return false;
  if (last == opaque) {
    layer.cleared.push_back(folder);
  } else {
    const std::string hidden = last.substr(whiteout.size());
    layer.removed.push_back(folder.empty() ? hidden : concat(folder, '/', hidden));
  }
  return true;
}

Result<Layer> read_layer(const std::string& path, const Tree& below, Spool& spool) {
  auto reader = ArchiveReader::open(path);
  if (!reader) return reader.error();
  Layer layer;
  while (true) {
    const auto member = reader->next();
    if (!member) return member.error();
    if (!*member) return layer;
    const std::string& name = (*member)->name;
    if (name == "." || (*member)->kind == ArchiveMember::Kind::other || take_whiteout(name, layer)) continue;
    // A hard link may point to what the layers below have.
    const bool is_above = layer.tree.find((*member)->link) != nullptr;
    auto entry = entry_of(**member, *reader, is_above ? layer.tree : below, spool);
    if (!entry) return entry.error();
    if (const auto added = layer.tree.add(name, *entry); !added) return added.error();
    layer.entries.emplace_back(name, std::move(*entry));
  }
}

Result<void> apply_layer(Tree& tree, Layer layer) {
  for (const std::string& folder : layer.cleared) tree.clear(folder);
  for (const std::string& path : layer.removed) tree.remove(path);
  for (auto& [path, entry] : layer.entries) {
    if (auto added = tree.add(path, std::move(entry)); !added) return added;
  }
  return {};
}

Result<OciProcess> read_process(const std::string& path) {
  const auto document = read_document(path);
  if (!document) return document.error();
  const json config = document->value("config", json::object());
  OciProcess process;
  process.command = texts_of(config, "Entrypoint");
  for (std::string& argument : texts_of(config, "Cmd")) process.command.push_back(std::move(argument));
  for (const std::string& variable : texts_of(config, "Env")) {
    const auto equals = variable.find('=');
    if (equals != std::string::npos) process.env[variable.substr(0, equals)] = variable.substr(equals + 1);
  }
  process.working_dir = text_of(config, "WorkingDir");
  process.user = text_of(config, "User");
  return process;
}

Result<OciProcess> add_layers(Tree& tree, const std::string& layout, Spool& spool) {
  const auto manifest = find_manifest(layout);
  if (!manifest) return manifest.error();
  const json layers = manifest->value("layers", json::array());
  if (!layers.is_array() || layers.empty()) return Error{"its image has no layers"};
  for (const json& descriptor : layers) {
    const auto path = blob_path(layout, descriptor);
    if (!path) return path.error();
    auto layer = read_layer(*path, tree, spool);
    if (!layer) return layer.error();
    if (const auto applied = apply_layer(tree, std::move(*layer)); !applied) return applied.error();
  }
  const auto config = blob_path(layout, manifest->value("config", json::object()));
  if (!config) return config.error();
  return read_process(*config);
}

}  // namespace

bool is_oci_layout(const std::string& path) {
  struct stat status {};
  return ::stat((path + "/oci-layout").c_str(), &status) == 0;
}

Result<OciProcess> add_oci_layout(Tree& tree, const std::string& path, Spool& spool) {
  auto process = add_layers(tree, path, spool);
  if (!process) return process.error().in(concat("cannot read the image in ", path));
  return process;
}

}  // namespace kestrel::hostd
