#include "kestrel/app/log_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/ignored_signals.h"

namespace kestrel::app {

namespace {

constexpr Duration retry_interval = seconds(1);
constexpr Duration check_interval = seconds(1);

/// What is missing of the folders that lead to `path`. Whatever goes wrong shows when the file is opened.
void make_folders(const std::string& path) {
  for (auto slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1))
    ::mkdir(path.substr(0, slash).c_str(), 0755);
}

std::string rotated_path(const std::string& path, std::uint32_t age) {
  return age == 0 ? path : concat(path, '.', age);
}

}  // namespace

// --- batches ----------------------------------------------------------------------------------------------

LogFile::Batch::Batch(LogFile& file, WallTime time, control::LogStream stream)
    : file_(&file), prefix_(concat(format_time(time), ' ', name_of(stream), ' ')) {}

void LogFile::Batch::add(std::string_view line) {
  if (used_ + prefix_.size() + line.size() + 1 > text_.size()) write();
  char* to = text_.data() + used_;
  std::memcpy(to, prefix_.data(), prefix_.size());
  to += prefix_.size();
  if (!line.empty()) std::memcpy(to, line.data(), line.size());
  to[line.size()] = '\n';
  used_ += prefix_.size() + line.size() + 1;
}

void LogFile::Batch::write() {
  if (used_ > 0) file_->append({text_.data(), used_});
  used_ = 0;
}

// --- the file ---------------------------------------------------------------------------------------------

LogFile::LogFile(std::string path, config::Rotation rotation, Clock clock)
    : path_(std::move(path)), rotation_(rotation), clock_(std::move(clock)) {
  // A limit on the size of files shall be an error of that write, not our death.
  sys::ignore_signal(SIGXFSZ);
}

LogFile::~LogFile() {
  if (lost_now_ > 0) log_warning("the last ", lost_now_, " lines are not in ", path_);
}

void LogFile::append(std::string_view lines) {
  if (!file_.is_open() && clock_() < retry_at_) return lose(lines);
  while (!lines.empty()) {
    const auto written = append_some(lines);
    if (!written) {
      if (lost_now_ == 0) log_warning(written.error().message, "; lines are lost until it can be written");
      file_.reset();
      retry_at_ = clock_() + retry_interval;
      return lose(lines);
    }
    lines.remove_prefix(*written);
    recover();
  }
}

void LogFile::lose(std::string_view lines) {
  const auto count = static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
  lost_ += count;
  lost_now_ += count;
}

void LogFile::recover() {
  if (lost_now_ == 0) return;
  log_warning(path_, " can be written again; ", std::exchange(lost_now_, 0), " lines are not in it");
}

/// How many bytes of `lines` are in the file: as many lines as fit.
Result<std::size_t> LogFile::append_some(std::string_view lines) {
  if (auto ready = make_ready(); !ready) return ready.error();
  std::size_t fitting = lines.size();
  if (size_ + lines.size() > rotation_.size.count) {
    const std::size_t left = size_ < rotation_.size.count ? rotation_.size.count - size_ : 0;
    fitting = lines.substr(0, left).rfind('\n') + 1;
    if (fitting == 0 && size_ > 0) {
      if (auto rotated = rotate(); !rotated) return rotated.error();
      return 0;
    }
    // A line that is longer than the file may be has one of its own.
    if (fitting == 0) fitting = lines.find('\n') + 1;
  }
  return write_whole_lines(lines.substr(0, fitting));
}

Result<std::size_t> LogFile::write_whole_lines(std::string_view lines) {
  const ssize_t count = ::write(file_.get(), lines.data(), lines.size());
  if (count < 0 && errno == EINTR) return 0;
  if (count < 0) return errno_error(concat("cannot write to ", path_), errno);
  std::size_t whole = static_cast<std::size_t>(count);
  if (whole < lines.size()) {
    // The disk is full: half a line would run into the next one that finds room.
    whole = lines.substr(0, whole).rfind('\n') + 1;
    if (::ftruncate(file_.get(), static_cast<off_t>(size_ + whole)) < 0 || whole == 0)
      return errno_error(concat("cannot write to ", path_), ENOSPC);
  }
  size_ += whole;
  return whole;
}

Result<void> LogFile::make_ready() {
  if (file_.is_open()) {
    const auto now = clock_();
    if (now < check_at_) return {};
    check_at_ = now + check_interval;
    if (is_in_place()) return {};
  }
  return open();
}

/// Whether what is open is still what the path leads to; takes its size afresh.
bool LogFile::is_in_place() {
  struct stat here {};
  struct stat there {};
  if (::fstat(file_.get(), &here) < 0 || ::stat(path_.c_str(), &there) < 0) return false;
  size_ = static_cast<std::uint64_t>(here.st_size);
  return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
}

Result<void> LogFile::open() {
  make_folders(path_);
  // Non-blocking, so that opening a pipe without a reader is an error.
  constexpr int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  sys::UniqueFd file(::open(path_.c_str(), flags, 0640));
  struct stat status {};
  if (!file.is_open() || ::fstat(file.get(), &status) < 0)
    return errno_error(concat("cannot open ", path_), errno);
  if (!S_ISREG(status.st_mode)) return Error{concat("cannot open ", path_, ": it is not a regular file")};
  file_ = std::move(file);
  size_ = static_cast<std::uint64_t>(status.st_size);
  check_at_ = clock_() + check_interval;
  return {};
}

Result<void> LogFile::rotate() {
  if (rotation_.keep == 0) {
    if (::ftruncate(file_.get(), 0) < 0) return errno_error(concat("cannot empty ", path_), errno);
    size_ = 0;
    return {};
  }
  for (std::uint32_t age = rotation_.keep; age > 0; --age) {
    const std::string from = rotated_path(path_, age - 1);
    if (::rename(from.c_str(), rotated_path(path_, age).c_str()) < 0 && errno != ENOENT)
      return errno_error(concat("cannot rotate ", from), errno);
  }
  return open();
}

}  // namespace kestrel::app
