// Writes lines to standard error without ever waiting for its reader: what a reader leaves lying beyond a
// bound is dropped, and the next line that gets through says how many were.
#pragma once

#include <cstdint>
#include <string_view>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"

namespace kestrel::app {

class Console {
 public:
  explicit Console(loop::Loop& loop);

  void write_line(std::string_view line);
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }

 private:
  loop::Stream
      stream_;  ///< not open where standard error takes everything at once (a file) or cannot be reopened
  std::uint64_t dropped_ = 0;
};

}  // namespace kestrel::app
