#include <nlohmann/json.hpp>

#include "hostd/vm_spec.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// Copies members out of one JSON object and remembers the first that has a wrong type.
class Members {
 public:
  explicit Members(const json& object) : object_(object) {}

  void text(const char* key, std::string& out) {
    if (const json* member = find(key, &json::is_string)) out = member->get<std::string>();
  }
  void flag(const char* key, bool& out) {
    if (const json* member = find(key, &json::is_boolean)) out = member->get<bool>();
  }
  template <typename Number>
  void number(const char* key, Number& out) {
    const json* member = find(key, &json::is_number_unsigned);
    if (member == nullptr) return;
    const auto value = member->get<std::uint64_t>();
    if (value > std::numeric_limits<Number>::max()) return fail(key);
    out = static_cast<Number>(value);
  }
  void milliseconds_of(const char* key, Duration& out) {
    std::uint32_t ms = static_cast<std::uint32_t>(to_ms(out));
    number(key, ms);
    out = milliseconds(ms);
  }
  const json* find(const char* key, bool (json::*is_type)() const noexcept) {
    const auto member = object_.find(key);
    if (member == object_.end()) return nullptr;
    if ((*member.*is_type)()) return &*member;
    fail(key);
    return nullptr;
  }
  void fail(const char* key) {
    if (wrong_.empty()) wrong_ = key;
  }
  [[nodiscard]] const std::string& wrong() const { return wrong_; }

 private:
  const json& object_;
  std::string wrong_;
};

template <typename Entry>
json list_of(const std::vector<Entry>& entries, json (*to_json_of)(const Entry&)) {
  json list = json::array();
  for (const Entry& entry : entries) list.push_back(to_json_of(entry));
  return list;
}

template <typename Entry>
void read_list(Members& members, const char* key, std::optional<Entry> (*read)(const json&),
               std::vector<Entry>& out) {
  const json* list = members.find(key, &json::is_array);
  if (list == nullptr) return;
  for (const json& one : *list) {
    auto entry = read(one);
    if (!entry) return members.fail(key);
    out.push_back(*std::move(entry));
  }
}

json port_to_json(const PublishedPort& port) {
  return {{"address", port.address}, {"host", port.host}, {"guest", port.guest}};
}

std::optional<PublishedPort> read_port(const json& entry) {
  if (!entry.is_object()) return std::nullopt;
  Members members(entry);
  PublishedPort port;
  members.text("address", port.address);
  members.number("host", port.host);
  members.number("guest", port.guest);
  return members.wrong().empty() ? std::optional(std::move(port)) : std::nullopt;
}

json file_to_json(const DiskFile& file) { return {{"path", file.path}, {"format", name_of(file.format)}}; }

json disk_to_json(const Disk& disk) {
  json out = file_to_json(disk.file);
  out["read_only"] = disk.is_read_only;
  out["serial"] = disk.serial;
  if (disk.base) out["base"] = file_to_json(*disk.base);
  return out;
}

std::optional<DiskFile> read_disk_file(Members& members) {
  DiskFile file;
  std::string format(name_of(file.format));
  members.text("path", file.path);
  members.text("format", format);
  const auto parsed = parse_disk_format(format);
  if (!parsed || !members.wrong().empty()) return std::nullopt;
  file.format = *parsed;
  return file;
}

std::optional<Disk> read_disk(const json& entry) {
  if (!entry.is_object()) return std::nullopt;
  Members members(entry);
  Disk disk;
  members.text("serial", disk.serial);
  members.flag("read_only", disk.is_read_only);
  if (const json* base = members.find("base", &json::is_object)) {
    Members base_members(*base);
    disk.base = read_disk_file(base_members);
    if (!disk.base) return std::nullopt;
  }
  auto file = read_disk_file(members);
  if (!file) return std::nullopt;
  disk.file = *std::move(file);
  return disk;
}

json volume_to_json(const Volume& volume) {
  return {{"name", volume.name},
          {"target", volume.target},
          {"size_bytes", volume.size.count},
          {"path", volume.path}};
}

std::optional<Volume> read_volume(const json& entry) {
  if (!entry.is_object()) return std::nullopt;
  Members members(entry);
  Volume volume;
  members.text("name", volume.name);
  members.text("target", volume.target);
  members.number("size_bytes", volume.size.count);
  members.text("path", volume.path);
  return members.wrong().empty() ? std::optional(std::move(volume)) : std::nullopt;
}

bool read_env(Members& members, const char* name, std::map<std::string, std::string>& out) {
  const json* env = members.find(name, &json::is_object);
  if (env == nullptr) return true;
  for (const auto& [variable, value] : env->items()) {
    if (!value.is_string()) return false;
    out[variable] = value.get<std::string>();
  }
  return true;
}

}  // namespace

std::string to_json(const VmSpec& spec) {
  const json document = {
      {"name", spec.name},
      {"image", spec.image},
      {"kernel", spec.kernel},
      {"initramfs", spec.initramfs},
      {"append", spec.append},
      {"virtio_console", spec.has_virtio_console},
      {"program", spec.program},
      {"memory_bytes", spec.memory.count},
      {"cpus", spec.cpus},
      {"accel", name_of(spec.accel)},
      {"vsock", name_of(spec.vsock)},
      {"boot_timeout_ms", to_ms(spec.boot_timeout)},
      {"shutdown_timeout_ms", to_ms(spec.shutdown_timeout)},
      {"env", spec.env},
      {"image_env", spec.image_env},
      {"ports", list_of(spec.ports, port_to_json)},
      {"disks", list_of(spec.disks, disk_to_json)},
      {"network", format(spec.network)},
      {"volumes", list_of(spec.volumes, volume_to_json)},
      {"hostname", spec.hostname},
      {"user_data", spec.user_data},
      {"runtime_dir", spec.runtime_dir},
      {"logs", {{"file_bytes", spec.logs.file_size.count}, {"files", spec.logs.files}}},
  };
  return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

Result<VmSpec> parse_vm_spec(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return Error{"cannot read VM spec: it is not a JSON object"};

  VmSpec spec;
  spec.program = default_vmm;
  Members members(document);
  members.text("name", spec.name);
  members.text("image", spec.image);
  members.text("kernel", spec.kernel);
  members.text("initramfs", spec.initramfs);
  members.text("append", spec.append);
  members.text("program", spec.program);
  members.flag("virtio_console", spec.has_virtio_console);
  members.number("memory_bytes", spec.memory.count);
  members.number("cpus", spec.cpus);
  members.milliseconds_of("boot_timeout_ms", spec.boot_timeout);
  members.milliseconds_of("shutdown_timeout_ms", spec.shutdown_timeout);
  members.text("hostname", spec.hostname);
  members.text("user_data", spec.user_data);
  members.text("runtime_dir", spec.runtime_dir);
  std::string accel(name_of(spec.accel));
  members.text("accel", accel);
  std::string vsock(name_of(spec.vsock));
  members.text("vsock", vsock);
  std::string network = format(spec.network);
  members.text("network", network);
  if (!read_env(members, "env", spec.env)) members.fail("env");
  if (!read_env(members, "image_env", spec.image_env)) members.fail("image_env");
  read_list(members, "ports", read_port, spec.ports);
  read_list(members, "disks", read_disk, spec.disks);
  read_list(members, "volumes", read_volume, spec.volumes);
  if (const json* logs = members.find("logs", &json::is_object)) {
    Members limits(*logs);
    limits.number("file_bytes", spec.logs.file_size.count);
    limits.number("files", spec.logs.files);
    if (!limits.wrong().empty()) members.fail("logs");
  }
  if (!members.wrong().empty()) {
    return Error{concat("cannot read VM spec: `", members.wrong(), "` has a wrong type or is out of range")};
  }
  const Result<Accel> parsed = parse_accel(accel);
  if (!parsed) return parsed.error().in("cannot read VM spec");
  const Result<VsockDevice> parsed_vsock = parse_vsock_device(vsock);
  if (!parsed_vsock) return parsed_vsock.error().in("cannot read VM spec");
  auto parsed_network = parse_network(network);
  if (!parsed_network) return parsed_network.error().in("cannot read VM spec");
  spec.network = std::move(*parsed_network);
  spec.accel = *parsed;
  spec.vsock = *parsed_vsock;
  return spec;
}

}  // namespace kestrel::hostd
