#include "hostd/records/rotating_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

std::string rotated_path(const std::string& path, unsigned age) {
  return age == 0 ? path : concat(path, '.', age);
}

std::vector<std::string> existing_files(const std::string& path, unsigned most) {
  std::vector<std::string> files;
  for (unsigned age = most; age-- > 0;) {
    std::string candidate = rotated_path(path, age);
    if (::access(candidate.c_str(), F_OK) == 0) files.push_back(std::move(candidate));
  }
  return files;
}

void drop_torn_line(const std::string& path) {
  const sys::UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.is_open()) return;
  off_t end = ::lseek(file.get(), 0, SEEK_END);
  const off_t size = end;
  char byte = 0;
  while (end > 0 && ::pread(file.get(), &byte, 1, end - 1) == 1 && byte != '\n') --end;
  if (end != size) static_cast<void>(::ftruncate(file.get(), end));
}

Result<RotatingFile> RotatingFile::open(std::string path, LogLimits limits) {
  RotatingFile file;
  file.path_ = std::move(path);
  file.limits_ = limits;
  if (const auto opened = file.reopen(); !opened) return opened.error();
  return file;
}

Result<void> RotatingFile::append(std::string_view bytes) {
  if (!file_.is_open()) {
    if (const auto opened = reopen(); !opened) return opened;
  }
  if (size_ > 0 && size_ + bytes.size() > limits_.file_size.count) {
    if (const auto rotated = rotate(); !rotated) return rotated;
  }
  while (!bytes.empty()) {
    const ssize_t written = ::write(file_.get(), bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno_error(concat("cannot write ", path_), errno);
    size_ += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

Result<void> RotatingFile::rotate() {
  for (unsigned age = limits_.files - 1; age > 0; --age) {
    ::rename(rotated_path(path_, age - 1).c_str(), rotated_path(path_, age).c_str());
  }
  if (limits_.files == 1) ::unlink(path_.c_str());
  return reopen();
}

Result<void> RotatingFile::reopen() {
  file_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!file_.is_open()) return errno_error(concat("cannot open ", path_), errno);
  struct stat status {};
  size_ = ::fstat(file_.get(), &status) == 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
  return {};
}

}  // namespace kestrel::hostd
