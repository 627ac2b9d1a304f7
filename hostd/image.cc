#include "hostd/image.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

Result<std::string> absolute_path(const std::string& path) {
  char resolved[PATH_MAX];
  if (::realpath(path.c_str(), resolved) == nullptr) return errno_error(concat("cannot open ", path), errno);
  return std::string(resolved);
}

Result<std::string> read_head(const std::string& path) {
  const sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open()) return errno_error(concat("cannot open ", path), errno);
  std::string head(head_size, '\0');
  const ssize_t count = ::read(file.get(), head.data(), head.size());
  if (count < 0) return errno_error(concat("cannot read ", path), errno);
  head.resize(static_cast<std::size_t>(count));
  return head;
}

Result<void> check_initramfs(const std::string& path) {
  const auto head = read_head(path);
  if (!head) return head.error();
  if (head->empty()) return Error{concat("cannot use initramfs ", path, ": it is empty")};
  if (!is_initramfs(*head)) {
    return Error{concat("cannot use initramfs ", path, ": it is no cpio archive, plain or compressed")};
  }
  return {};
}

std::string base_name(const std::string& path) {
  std::string name = path.substr(path.rfind('/') + 1);
  // A bare file is named after what stands before its first dot: site.cpio.gz is `site`.
  if (const auto dot = name.find('.'); dot != std::string::npos && dot > 0) name.resize(dot);
  return name;
}

Result<Image> read_image_folder(const std::string& folder) {
  const auto text = sys::read_file(folder + "/manifest.json");
  if (!text) return text.error();
  auto image = parse_manifest(*text, folder);
  if (!image) return image.error();
  if (const auto checked = check_initramfs(image->initramfs); !checked) return checked.error();
  return image;
}

}  // namespace

bool is_initramfs(std::string_view head) {
  using namespace std::string_view_literals;
  // newc cpio, then the compressions that Linux unpacks (lib/decompress.c): gzip, xz, zstd, lz4 legacy,
  // bzip2, lzma, lzo.
  for (const std::string_view magic :
       {"070701"sv, "070702"sv, "\x1f\x8b"sv, "\xfd\x37zXZ"sv, "\x28\xb5\x2f\xfd"sv, "\x02\x21\x4c\x18"sv,
        "BZh"sv, "\x5d\x00\x00"sv, "\x89LZO"sv}) {
    if (head.starts_with(magic)) return true;
  }
  return false;
}

bool is_kernel(std::string_view head) {
  // An uncompressed vmlinux (started by PVH), or a bzImage: "HdrS" at 0x202 (Documentation/x86/boot.rst).
  return head.starts_with(
             "\x7f"
             "ELF") ||
         (head.size() >= 0x206 && head.substr(0x202, 4) == "HdrS");
}

Result<Image> read_image(const std::string& path) {
  const auto resolved = absolute_path(path);
  if (!resolved) return resolved.error();
  struct stat status {};
  if (::stat(resolved->c_str(), &status) != 0) return errno_error(concat("cannot open ", path), errno);
  if (S_ISDIR(status.st_mode)) return read_image_folder(*resolved);
  if (const auto checked = check_initramfs(*resolved); !checked) return checked.error();
  Image image;
  image.name = base_name(*resolved);
  image.initramfs = *resolved;
  return image;
}

Result<std::string> choose_kernel(const std::string& explicit_path, const Image& image,
                                  const std::string& fallback) {
  const std::string& chosen = !explicit_path.empty()  ? explicit_path
                              : !image.kernel.empty() ? image.kernel
                                                      : fallback;
  if (chosen.empty())
    return Error{"cannot find a guest kernel: neither the image nor --kernel nor KESTREL_KERNEL names one"};
  const auto path = absolute_path(chosen);
  if (!path) return path.error().in("cannot use guest kernel");
  const auto head = read_head(*path);
  if (!head) return head.error().in("cannot use guest kernel");
  if (!is_kernel(*head))
    return Error{concat("cannot use guest kernel ", *path, ": it is neither a bzImage nor a vmlinux")};
  return *path;
}

}  // namespace kestrel::hostd
