#include "hostd/vm_request.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// Fills `out` where `text` is given.
Result<void> read_duration(std::string_view option, const std::string& text, Duration& out) {
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
  if (!bytes) return Error{concat("cannot use memory `", text, "`: it is not a size such as 256M or 1G")};
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

Result<void> read_volumes(const std::vector<std::string>& texts, const std::string& folder,
                          std::vector<Volume>& out) {
  for (const std::string& text : texts) {
    auto volume = parse_volume(text, folder);
    if (!volume) return volume.error();
    out.push_back(std::move(*volume));
  }
  return {};
}

Result<void> read_accel(const std::string& text, Accel& out) {
  if (text.empty()) return {};
  const auto accel = parse_accel(text);
  if (!accel) return accel.error();
  out = *accel;
  return {};
}

Result<void> read_vsock(const std::string& text, VsockDevice& out) {
  if (text.empty()) return {};
  const auto device = parse_vsock_device(text);
  if (!device) return device.error();
  out = *device;
  return {};
}

Result<void> read_network(const std::string& text, NetworkSpec& out) {
  if (text.empty()) return {};
  auto network = parse_network(text);
  if (!network) return network.error();
  out = std::move(*network);
  return {};
}

const std::string& first_given(const std::string& wanted, const std::string& otherwise) {
  return wanted.empty() ? otherwise : wanted;
}

constexpr std::string_view root_serial = "rootfs";

void add_root(Disk disk, std::string_view writing, VmSpec& spec) {
  disk.serial = root_serial;
  spec.disks.push_back(std::move(disk));
  spec.append = concat("root=", root_serial, ' ', writing, spec.append.empty() ? "" : " ", spec.append);
}

/// The image's disk, under what the VM writes to it.
void add_writable_root(const DiskFile& rootfs, VmSpec& spec) {
  Disk disk;
  disk.file.format = DiskFormat::qcow2;
  disk.base = rootfs;
  add_root(std::move(disk), "rw", spec);
}

/// The image's disk as it is. The guest itself lays over it what it writes: to a volume that is asked for at
/// /, else to its memory.
void add_read_only_root(const DiskFile& rootfs, VmSpec& spec) {
  std::string overlay = "kestrel.overlay";
  for (Volume& volume : spec.volumes) {
    if (!is_root_volume(volume)) continue;
    overlay += concat('=', volume.name);
    volume.target.clear();
  }
  Disk disk;
  disk.file = rootfs;
  disk.is_read_only = true;
  add_root(std::move(disk), overlay, spec);
}

/// All that does not come from the image.
Result<void> read_request(const VmRequest& request, const Surroundings& surroundings, VmSpec& spec) {
  for (const auto& read :
       {read_memory(request.memory, spec.memory), read_ports(request.ports, spec.ports),
        read_volumes(request.volumes, surroundings.volumes_dir, spec.volumes),
        read_network(first_given(request.network, surroundings.network), spec.network),
        read_accel(first_given(request.accel, surroundings.accel), spec.accel),
        read_vsock(first_given(request.vsock, surroundings.vsock), spec.vsock),
        read_duration("boot timeout", request.boot_timeout, spec.boot_timeout),
        read_duration("shutdown timeout", request.shutdown_timeout, spec.shutdown_timeout)}) {
    if (!read) return read;
  }
  if (request.cpus != 0) spec.cpus = request.cpus;
  spec.env = request.env;
  spec.append = request.append;
  spec.hostname = request.hostname;
  spec.user_data = request.user_data;
  return {};
}

}  // namespace

std::variant<VmSpec, Outcome> make_spec(const VmRequest& request, const Surroundings& surroundings) {
  const auto failed = [](ExitCode code, const Error& error) {
    return Outcome{to_status(code), error.message, {}};
  };
  const auto image = surroundings.find_image(request.image);
  if (!image) return failed(ExitCode::image_broken, image.error());
  const auto kernel = choose_kernel(request.kernel, *image, surroundings.kernel);
  if (!kernel) return failed(ExitCode::kernel_missing, kernel.error());

  VmSpec spec;
  spec.image = image->name;
  spec.kernel = *kernel;
  // Of another kernel than the image's nothing is known.
  spec.has_virtio_console = request.kernel.empty() && image->has_virtio_console;
  spec.initramfs = image->initramfs;
  spec.memory = image->memory.value_or(spec.memory);
  spec.cpus = image->cpus.value_or(spec.cpus);
  spec.image_env = image->env;
  spec.program = first_given(first_given(request.vmm, surroundings.vmm), std::string(default_vmm));
  if (const auto read = read_request(request, surroundings, spec); !read)
    return failed(ExitCode::usage, read.error());
  if (image->rootfs)
    (image->is_rootfs_read_only ? add_read_only_root : add_writable_root)(*image->rootfs, spec);
  spec.name = request.name.empty() ? surroundings.free_name(name_from(image->name)) : request.name;
  spec.runtime_dir = concat(surroundings.vms_dir, '/', spec.name);
  if (const auto problems = problems_of(spec); !problems.empty()) {
    return failed(ExitCode::usage, Error{join(problems, "; ")});
  }
  return spec;
}

std::string name_from(std::string_view image_name) {
  std::string name;
  for (const char c : image_name.substr(0, 32)) name.push_back(is_vm_name(concat('a', c)) ? c : '-');
  return is_vm_name(name) ? name : "vm";
}

}  // namespace kestrel::hostd
