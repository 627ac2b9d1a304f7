#include "hostd/cli/run_options.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "hostd/disks/volumes.h"
#include "hostd/images/find_image.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Files first, so that -e wins over them.
Result<void> read_env(const RunOptions& options, std::map<std::string, std::string>& out) {
  for (const std::string& path : options.env_files) {
    const auto text = sys::read_file(path);
    if (!text) return text.error();
    const auto variables = parse_env_file(*text);
    if (!variables) return variables.error().in(concat("cannot read ", path));
    for (const auto& [name, value] : *variables) out[name] = value;
  }
  for (const std::string& text : options.env) {
    auto parsed = parse_variable(text);
    if (!parsed) return parsed.error();
    out[parsed->first] = parsed->second;
  }
  return {};
}

Result<void> read_user_data(const std::string& path, std::string& out) {
  if (path.empty()) return {};
  auto text = sys::read_file(path, most_user_data);
  if (!text) return text.error();
  out = std::move(*text);
  return {};
}

/// Where there is such a file; else it stays as it is.
void make_absolute(std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> absolute(::realpath(path.c_str(), nullptr), std::free);
  if (!path.empty() && absolute) path = absolute.get();
}

}  // namespace

Result<VmRequest> read_request(const RunOptions& options) {
  VmRequest request = options.vm;
  for (const auto& read :
       {read_env(options, request.env), read_user_data(options.user_data_file, request.user_data)}) {
    if (!read) return read.error();
  }
  return request;
}

Result<VmRequest> read_request_for_hostd(const RunOptions& options) {
  auto request = read_request(options);
  if (!request) return request;
  // A text without a slash is a name, of an image or of a program, unless it is a file's here.
  if (request->image.find('/') != std::string::npos || !parse_reference(request->image) ||
      !Store::standard().resolve(request->image))
    make_absolute(request->image);
  for (std::string* path : {&request->kernel, &request->vmm}) {
    if (path->find('/') != std::string::npos) make_absolute(*path);
  }
  return request;
}

Surroundings surroundings() {
  Surroundings found;
  found.kernel = variable("KESTREL_KERNEL");
  found.accel = variable("KESTREL_ACCEL");
  found.network = variable("KESTREL_NETWORK");
  found.vsock = variable("KESTREL_VSOCK");
  found.vmm = variable("KESTREL_QEMU");
  found.vms_dir = vms_dir();
  found.volumes_dir = volumes_dir();
  found.free_name = free_name;
  found.find_image = [](const std::string& text) { return find_image(Store::standard(), text); };
  return found;
}

std::variant<VmSpec, Outcome> make_spec(const RunOptions& options) {
  const auto request = read_request(options);
  if (!request) return Outcome{to_status(ExitCode::usage), request.error().message, {}};
  return make_spec(*request, surroundings());
}

Result<std::pair<std::string, std::string>> parse_variable(const std::string& text) {
  const auto equals = text.find('=');
  const std::string name = text.substr(0, equals);
  if (name.empty()) return Error{concat("cannot set variable `", text, "`: it is not KEY=VALUE")};
  if (equals != std::string::npos) return std::pair(name, text.substr(equals + 1));
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) {
    return Error{concat("cannot set variable `", name, "`: it has no value, here or in the environment")};
  }
  return std::pair(name, std::string(value));
}

Result<std::map<std::string, std::string>> parse_env_file(std::string_view text) {
  std::map<std::string, std::string> variables;
  for (const std::string_view raw : split(text, '\n')) {
    const std::string_view line = trim(raw);
    if (line.empty() || line.front() == '#') continue;
    auto parsed = parse_variable(std::string(line));
    if (!parsed) return parsed.error();
    variables[parsed->first] = parsed->second;
  }
  return variables;
}

std::string free_name(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; is_running(name); ++number) name = concat(wanted, '-', number);
  return name;
}

}  // namespace kestrel::hostd
