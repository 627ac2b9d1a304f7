#include "hostd/images/find_image.h"

#include <sys/stat.h>

#include <cerrno>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

bool is_there(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0;
}

}  // namespace

Result<Image> find_image(const Store& store, const std::string& text) {
  const bool is_path = text.find('/') != std::string::npos;
  if (!is_path && parse_reference(text)) {
    auto image = store.resolve(text);
    if (image || image.error().code != ENOENT || !is_there(text)) return image;
  }
  // Its first bytes are those of a compressed initramfs.
  if (text.ends_with(".tar.gz") && is_there(text)) {
    return Error{
        concat("it is packed; install it with `kestrelctl images install ", text, "`, and run it by name")};
  }
  return read_image(text);
}

}  // namespace kestrel::hostd
