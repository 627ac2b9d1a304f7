#include <array>
#include <nlohmann/json.hpp>

#include "hostd/vm_request.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// The members that are text, which is nearly all of them.
struct TextMember {
  std::string_view name;
  std::string VmRequest::*member;
};
constexpr std::array text_members = {
    TextMember{"image", &VmRequest::image},
    TextMember{"name", &VmRequest::name},
    TextMember{"memory", &VmRequest::memory},
    TextMember{"kernel", &VmRequest::kernel},
    TextMember{"append", &VmRequest::append},
    TextMember{"accel", &VmRequest::accel},
    TextMember{"vsock", &VmRequest::vsock},
    TextMember{"network", &VmRequest::network},
    TextMember{"hostname", &VmRequest::hostname},
    TextMember{"user_data", &VmRequest::user_data},
    TextMember{"boot_timeout", &VmRequest::boot_timeout},
    TextMember{"shutdown_timeout", &VmRequest::shutdown_timeout},
    TextMember{"vmm", &VmRequest::vmm},
};
/// The seeds' name for an image.
constexpr std::string_view image_alias = "plugin";

Error wrong_type(std::string_view name, std::string_view wanted) {
  return Error{concat("cannot read VM: `", name, "` is not ", wanted)};
}

Error unknown(std::string_view name) {
  const auto meant = nearest(name, vm_request_members());
  return Error{concat("cannot read VM: unknown member `", printable(name), '`',
                      meant ? concat(", did you mean `", *meant, "`?") : "")};
}

Result<void> read_texts(const std::string& name, std::string_view example, const json& list,
                        std::vector<std::string>& out) {
  if (!list.is_array()) return wrong_type(name, "a list");
  for (const json& entry : list) {
    if (!entry.is_string()) return wrong_type(name, concat("a list of texts such as \"", example, '"'));
    out.push_back(entry.get<std::string>());
  }
  return {};
}

Result<void> read_env(const json& env, std::map<std::string, std::string>& out) {
  if (!env.is_object()) return wrong_type("env", "an object");
  for (const auto& [name, value] : env.items()) {
    if (!value.is_string()) return wrong_type(concat("env.", name), "text");
    out[name] = value.get<std::string>();
  }
  return {};
}

Result<void> read_member(const std::string& name, const json& value, VmRequest& out) {
  if (name == "ports") return read_texts(name, "8080:80", value, out.ports);
  if (name == "volumes") return read_texts(name, "data:/var/lib/data:1G", value, out.volumes);
  if (name == "env") return read_env(value, out.env);
  if (name == "cpus") {
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > 1024)
      return wrong_type(name, "a number of processors");
    out.cpus = value.get<unsigned>();
    return {};
  }
  for (const TextMember& member : text_members) {
    if (name != member.name && !(name == image_alias && member.name == "image")) continue;
    if (!value.is_string()) return wrong_type(name, "text");
    out.*member.member = value.get<std::string>();
    return {};
  }
  return unknown(name);
}

}  // namespace

std::vector<std::string_view> vm_request_members() {
  std::vector<std::string_view> known = {image_alias, "cpus", "env", "ports", "volumes"};
  for (const TextMember& member : text_members) known.push_back(member.name);
  return known;
}

std::string to_json(const VmRequest& request) {
  json document = json::object();
  for (const TextMember& member : text_members) {
    if (!(request.*member.member).empty()) document[std::string(member.name)] = request.*member.member;
  }
  if (!request.ports.empty()) document["ports"] = request.ports;
  if (!request.volumes.empty()) document["volumes"] = request.volumes;
  if (!request.env.empty()) document["env"] = request.env;
  if (request.cpus != 0) document["cpus"] = request.cpus;
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<VmRequest> parse_vm_request(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return Error{"cannot read VM: it is not a JSON object"};
  VmRequest request;
  for (const auto& [name, value] : document.items()) {
    if (const auto read = read_member(name, value, request); !read) return read.error();
  }
  return request;
}

}  // namespace kestrel::hostd
