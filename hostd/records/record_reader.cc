#include "hostd/records/record_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>

#include "hostd/records/record_log.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t piece = 64 * 1024;

std::uint64_t inode_of(const char* path) {
  struct stat status {};
  return ::stat(path, &status) == 0 ? status.st_ino : 0;
}

std::uint64_t inode_of(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 ? status.st_ino : 0;
}

}  // namespace

RecordReader::RecordReader(std::string path, unsigned files, RecordFilter filter)
    : path_(std::move(path)),
      files_(files),
      filter_(std::move(filter)),
      seen_(filter_.after.value_or(0)),
      is_first_told_(filter_.after.has_value()) {
  if (!filter_.service.empty()) {
    service_mark_ = concat(
        "\"service\":",
        nlohmann::json(filter_.service).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  }
  if (filter_.last) skip_to_last(*filter_.last);
}

std::string RecordReader::read_some() {
  std::string out;
  while (out.empty()) {
    if (!file_.is_open() && !open_next()) break;
    std::array<char, piece> buffer;
    const ssize_t count = ::read(file_.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count > 0) {
      partial_.append(buffer.data(), static_cast<std::size_t>(count));
      take_lines(out);
      continue;
    }
    // The end of this file: of all, or is there a younger one?
    if (!is_rotated_away()) break;
    partial_.clear();
    if (!open_next()) break;
  }
  return out;
}

bool RecordReader::is_rotated_away() const { return inode_of(path_.c_str()) != inode_; }

/// The oldest file at first; afterwards the one that followed the current, which is the newest, or stands
/// right before the current in age if several rotations have passed.
bool RecordReader::open_next() {
  std::string next = path_;
  if (!has_begun_) {
    const auto files = existing_files(path_, files_);
    if (files.empty()) return false;
    next = files.front();
  } else {
    for (unsigned age = 1; age < files_; ++age) {
      if (inode_of(rotated_path(path_, age).c_str()) == inode_) next = rotated_path(path_, age - 1);
    }
    // Rotated out of existence: what is left begins with the oldest.
    if (next == path_ && inode_of(rotated_path(path_, 1).c_str()) != inode_) {
      if (const auto files = existing_files(path_, files_); !files.empty()) next = files.front();
    }
  }
  sys::UniqueFd opened(::open(next.c_str(), O_RDONLY | O_CLOEXEC));
  if (!opened.is_open()) return false;
  has_begun_ = true;
  file_ = std::move(opened);
  inode_ = inode_of(file_.get());
  return true;
}

void RecordReader::take_lines(std::string& out) {
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
    take_line(std::string_view(partial_).substr(begin, end - begin), out);
  }
  partial_.erase(0, begin);
}

void RecordReader::take_line(std::string_view line, std::string& out) {
  const std::uint64_t seq = seq_of(line);
  if (seq <= seen_) return;
  if ((seen_ != 0 || is_first_told_) && seq > seen_ + 1) {
    out += concat("{\"gap\":{\"first\":", seen_ + 1, ",\"last\":", seq - 1, "}}\n");
  }
  seen_ = seq;
  if (passes(line)) out.append(line).push_back('\n');
}

bool RecordReader::passes(std::string_view line) const {
  return service_mark_.empty() || line.find(service_mark_) != std::string_view::npos;
}

/// Counts what there is, then begins anew behind all but the last `count`: two passes over files that are
/// bounded.
void RecordReader::skip_to_last(std::size_t count) {
  RecordFilter everything = filter_;
  everything.last = std::nullopt;
  std::vector<std::uint64_t> last_seqs(count == 0 ? 1 : count, seen_);
  std::size_t found = 0;
  RecordReader counter(path_, files_, everything);
  for (std::string lines = counter.read_some(); !lines.empty(); lines = counter.read_some()) {
    for (const std::string_view line : split(lines, '\n')) {
      if (const std::uint64_t seq = seq_of(line); seq != 0) last_seqs[found++ % last_seqs.size()] = seq;
    }
  }
  if (count == 0) {
    seen_ = std::max(counter.seen_, seen_);
  } else if (found >= count) {
    seen_ = last_seqs[found % count] - 1;
    // What lies before the last few was not asked for.
    is_first_told_ = false;
  }
}

}  // namespace kestrel::hostd
