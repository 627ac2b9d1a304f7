#include <nlohmann/json.hpp>

#include "hostd/image.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

Error wrong(std::string_view cause) { return Error{concat("cannot read manifest.json: ", cause)}; }

std::string below(const std::string& folder, const std::string& path) {
  return path.starts_with('/') ? path : concat(folder, '/', path);
}

/// The member of a section, where both are there; `is_bad` is set where either has a wrong type or the number
/// does not fit.
std::optional<std::uint64_t> number_in(const json& document, const char* section, const char* key,
                                       std::uint64_t most, bool& is_bad) {
  const auto object = document.find(section);
  if (object == document.end()) return std::nullopt;
  if (!object->is_object()) {
    is_bad = true;
    return std::nullopt;
  }
  const auto member = object->find(key);
  if (member == object->end()) return std::nullopt;
  if (!member->is_number_unsigned() || member->get<std::uint64_t>() == 0 ||
      member->get<std::uint64_t>() > most) {
    is_bad = true;
    return std::nullopt;
  }
  return member->get<std::uint64_t>();
}

Result<std::string> text_of(const json& document, const char* key) {
  const auto member = document.find(key);
  if (member == document.end() || member->is_null()) return std::string();
  if (!member->is_string()) return wrong(concat("`", key, "` is not text"));
  return member->get<std::string>();
}

}  // namespace

Result<Image> parse_manifest(std::string_view text, const std::string& folder) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return wrong("it is not a JSON object");

  Image image;
  const auto name = text_of(document, "name");
  const auto kernel = text_of(document, "kernel");
  const auto initramfs = text_of(document, "initramfs");
  const auto rootfs = text_of(document, "rootfs");
  const auto format = text_of(document, "rootfs_format");
  const auto type = text_of(document, "rootfs_type");
  const auto console = text_of(document, "console");
  for (const auto* member : {&name, &kernel, &initramfs, &rootfs, &format, &type, &console}) {
    if (!*member) return member->error();
  }
  if (initramfs->empty()) return wrong("it names no initramfs");
  image.name = name->empty() ? folder.substr(folder.rfind('/') + 1) : *name;
  image.initramfs = below(folder, *initramfs);
  if (!kernel->empty()) image.kernel = below(folder, *kernel);
  image.has_virtio_console = *console == virtio_console;

  if (!rootfs->empty()) {
    const auto known = parse_disk_format(*format);
    if (!known) return wrong("`rootfs_format` is neither raw nor qcow2");
    image.rootfs = DiskFile{below(folder, *rootfs), *known};
    image.is_rootfs_read_only = *type == "erofs" || *type == "squashfs";
  }

  bool is_bad = false;
  if (const auto cpus = number_in(document, "resources", "vcpu", 1024, is_bad))
    image.cpus = static_cast<unsigned>(*cpus);
  if (is_bad) return wrong("`resources.vcpu` is not a number of processors");
  if (const auto mebi = number_in(document, "resources", "memory_mb", 1 << 24, is_bad))
    image.memory = mebibytes(*mebi);
  if (is_bad) return wrong("`resources.memory_mb` is not a number of mebibytes");
  if (const auto port = number_in(document, "workload", "port", 65535, is_bad)) {
    image.port = static_cast<std::uint16_t>(*port);
  }
  if (is_bad) return wrong("`workload.port` is not a port");

  const auto env = document.find("env");
  if (env == document.end()) return image;
  if (!env->is_object()) return wrong("`env` is not an object");
  for (const auto& [key, value] : env->items()) {
    if (!value.is_string()) return wrong(concat("`env.", key, "` is not text"));
    image.env[key] = value.get<std::string>();
  }
  return image;
}

}  // namespace kestrel::hostd
