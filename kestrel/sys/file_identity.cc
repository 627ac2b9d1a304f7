#include "kestrel/sys/file_identity.h"

#include <sys/stat.h>

namespace kestrel::sys {

bool is_file_at(int fd, const std::string& path) {
  struct stat opened {};
  struct stat named {};
  return ::fstat(fd, &opened) == 0 && ::stat(path.c_str(), &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

}  // namespace kestrel::sys
