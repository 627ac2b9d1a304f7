// Reads records out of their files, piece by piece, at the pace of whoever sends them on: a slow reader costs
// a file position and nothing else. At the end of the files it can go on later, when more has been written;
// rotation in between is followed, and where it took records away the reader says so with
// `{"gap":{"first":…,"last":…}}`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

struct RecordFilter {
  /// Only records with higher numbers; what is missing of them at the beginning is told, too. nullopt: from
  /// the oldest that is still there.
  std::optional<std::uint64_t> after;
  std::string service;  ///< only this one's; empty: all
  /// Of what is there at the start, only the last so many; nullopt: all.
  std::optional<std::size_t> last;
};

class RecordReader {
 public:
  /// `path` is the newest file's; it need not exist.
  RecordReader(std::string path, unsigned files, RecordFilter filter);

  /// Whole lines, some 64 KiB at a time; empty at the end of what is written so far.
  [[nodiscard]] std::string read_some();

 private:
  void skip_to_last(std::size_t count);
  bool open_next();
  bool is_rotated_away() const;
  void take_lines(std::string& out);
  void take_line(std::string_view line, std::string& out);
  [[nodiscard]] bool passes(std::string_view line) const;

  std::string path_;
  unsigned files_;
  RecordFilter filter_;
  std::string service_mark_;  ///< `"service":"NAME"` as it stands in a record
  sys::UniqueFd file_;
  std::uint64_t inode_ = 0;
  std::string partial_;
  std::uint64_t seen_ = 0;  ///< the last number, whether it passed the filter or not
  bool has_begun_ = false;
  bool is_first_told_ = false;  ///< whether a gap before the first record is worth telling
};

}  // namespace kestrel::hostd
