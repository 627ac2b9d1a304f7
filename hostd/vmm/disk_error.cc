#include "hostd/vmm/disk_error.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::string text_in(const json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_string() ? member->get<std::string>() : "";
}

/// Of the node that disk_options() has called `diskN`.
std::string name_of_node(std::string_view node, const std::vector<Disk>& disks) {
  constexpr std::string_view prefix = "disk";
  const auto number = node.starts_with(prefix) ? parse_integer(node.substr(prefix.size())) : std::nullopt;
  if (!number || *number < 0 || static_cast<std::size_t>(*number) >= disks.size()) return std::string(node);
  const Disk& disk = disks[static_cast<std::size_t>(*number)];
  return disk.serial.empty() ? disk.file.path : disk.serial;
}

}  // namespace

std::optional<DiskError> find_disk_error(std::string_view data, const std::vector<Disk>& disks) {
  const json event = json::parse(data, nullptr, false);
  if (!event.is_object() || text_in(event, "action") != "stop") return std::nullopt;
  return DiskError{name_of_node(text_in(event, "node-name"), disks), text_in(event, "reason")};
}

std::string to_json(const DiskError& error) {
  return json({{"disk", error.disk}, {"reason", error.reason}})
      .dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace kestrel::hostd
