#include "hostd/cli/run_options.h"

#include <algorithm>
#include <cstdlib>

#include "hostd/cli/vms.h"
#include "hostd/image.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// Fills `out` where `text` is given.
Result<void> read_duration(const std::string& option, const std::string& text, Duration& out) {
  if (text.empty()) return {};
  const auto duration = parse_duration(text);
  if (!duration || *duration <= Duration::zero()) {
    return Error{
        concat("cannot use ", option, " `", text, "`: it is not a length of time such as 30s or 2m")};
  }
  out = *duration;
  return {};
}

Result<void> read_memory(const std::string& text, Bytes& out) {
  if (text.empty()) return {};
  const auto bytes = parse_bytes(text);
  if (!bytes) return Error{concat("cannot use --memory `", text, "`: it is not a size such as 256M or 1G")};
  out = *bytes;
  return {};
}

Result<void> read_ports(const std::vector<std::string>& texts, std::vector<PublishedPort>& out) {
  for (const std::string& text : texts) {
    auto port = parse_published_port(text);
    if (!port) return port.error();
    out.push_back(std::move(*port));
  }
  return {};
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

Result<void> read_accel(const std::string& text, Accel& out) {
  const std::string chosen = text.empty() ? variable("KESTREL_ACCEL") : text;
  if (chosen.empty()) return {};
  const auto accel = parse_accel(chosen);
  if (!accel) return accel.error();
  out = *accel;
  return {};
}

/// All that does not come from the image.
Result<void> read_options(const RunOptions& options, VmSpec& spec) {
  for (const auto& read :
       {read_memory(options.memory, spec.memory), read_ports(options.ports, spec.ports),
        read_env(options, spec.env), read_user_data(options.user_data_file, spec.user_data),
        read_accel(options.accel, spec.accel),
        read_duration("--boot-timeout", options.boot_timeout, spec.boot_timeout),
        read_duration("--shutdown-timeout", options.shutdown_timeout, spec.shutdown_timeout)}) {
    if (!read) return read;
  }
  if (options.cpus != 0) spec.cpus = options.cpus;
  spec.append = options.append;
  spec.hostname = options.hostname;
  return {};
}

}  // namespace

std::variant<VmSpec, Outcome> make_spec(const RunOptions& options) {
  const auto failed = [](ExitCode code, const Error& error) {
    return Outcome{to_status(code), error.message, {}};
  };
  const auto image = read_image(options.image);
  if (!image) return failed(ExitCode::image_broken, image.error());
  const auto kernel = choose_kernel(options.kernel, *image, variable("KESTREL_KERNEL"));
  if (!kernel) return failed(ExitCode::kernel_missing, kernel.error());

  VmSpec spec;
  spec.kernel = *kernel;
  spec.initramfs = image->initramfs;
  spec.memory = image->memory.value_or(spec.memory);
  spec.cpus = image->cpus.value_or(spec.cpus);
  spec.image_env = image->env;
  const std::string vmm = options.vmm.empty() ? variable("KESTREL_QEMU") : options.vmm;
  spec.program = vmm.empty() ? std::string(default_vmm) : vmm;
  if (const auto read = read_options(options, spec); !read) return failed(ExitCode::usage, read.error());
  spec.name = options.name.empty() ? free_name(name_from(image->name)) : options.name;
  spec.runtime_dir = concat(vms_dir(), '/', spec.name);
  if (const auto problems = problems_of(spec); !problems.empty()) {
    return failed(ExitCode::usage, Error{join(problems, "; ")});
  }
  return spec;
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

std::string name_from(std::string_view image_name) {
  std::string name;
  for (const char c : image_name.substr(0, 32)) name.push_back(is_vm_name(concat('a', c)) ? c : '-');
  return is_vm_name(name) ? name : "vm";
}

std::string free_name(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; is_running(name); ++number) name = concat(wanted, '-', number);
  return name;
}

}  // namespace kestrel::hostd
