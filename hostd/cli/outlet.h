// Standard output or error that is written as fast as it is taken, and never waited for: whoever writes has
// other things to do meanwhile.
//
// The descriptor's flags are left alone, for others share it. A pipe or terminal is opened once more instead,
// without blocking; where that cannot be, small pieces go when poll() calls it writable.
#pragma once

#include <cstddef>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

class Outlet {
 public:
  explicit Outlet(int fd);

  /// What poll() tells about.
  [[nodiscard]] int fd() const { return own_.is_open() ? own_.get() : fd_; }
  /// How much was taken; 0: not now. Error code EPIPE: nobody reads.
  [[nodiscard]] Result<std::size_t> write(std::string_view bytes);

 private:
  enum class Kind { file, socket, opened_anew, polled };

  int fd_;
  Kind kind_ = Kind::polled;
  sys::UniqueFd own_;
};

}  // namespace kestrel::hostd
