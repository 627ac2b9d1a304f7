// Records: lines of JSON with consecutive numbers, `{"seq":1,…}`, in a rotated file. What the guest tells
// (events, log lines) becomes a record the moment it arrives; everybody who wants to see it, now or later,
// reads the file.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "hostd/records/rotating_file.h"

namespace kestrel::hostd {

class RecordLog {
 public:
  RecordLog() = default;
  /// Goes on behind the records that are there; one that was cut off in the middle is removed.
  [[nodiscard]] static Result<RecordLog> open(std::string path, LogLimits limits);

  /// `members` is what stands between the record's number and its closing brace: `"type":"vm.ready"`. Returns
  /// the record's number, or why it was lost; the number is used up then, so that readers see the gap.
  Result<std::uint64_t> append(std::string_view members);

  /// `callback` is called after each record, from inside append(); it must not remove listeners other than
  /// its own.
  using ListenerId = std::uint64_t;
  ListenerId listen(std::function<void()> callback);
  void forget(ListenerId id);

  [[nodiscard]] const std::string& path() const { return file_.path(); }
  [[nodiscard]] unsigned files() const { return limits_.files; }
  [[nodiscard]] std::uint64_t last_seq() const { return last_seq_; }

 private:
  RotatingFile file_;
  LogLimits limits_;
  std::uint64_t last_seq_ = 0;
  ListenerId last_listener_ = 0;
  std::map<ListenerId, std::function<void()>> listeners_;
};

/// A record's number; 0 for a line that is no record.
[[nodiscard]] std::uint64_t seq_of(std::string_view record);

}  // namespace kestrel::hostd
