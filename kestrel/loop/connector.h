// Waits for a non-blocking connect() to finish. Addresses are made in sys/socket.h; this knows only the
// descriptor.
#pragma once

#include <functional>
#include <memory>

#include "kestrel/base/result.h"
#include "kestrel/loop/loop.h"
#include "kestrel/sys/fd.h"

namespace kestrel::loop {

class Connector {
 public:
  Connector();
  /// `socket` has a connect() under way, or is already connected. `done` is called once, from the loop: with
  /// the connected descriptor, or with the reason (code ETIMEDOUT after `timeout`).
  Connector(Loop& loop, sys::UniqueFd socket, Duration timeout,
            std::function<void(Result<sys::UniqueFd>)> done);
  Connector(Connector&&) noexcept;
  Connector& operator=(Connector&&) noexcept;
  ~Connector();

  [[nodiscard]] bool is_pending() const;

 private:
  struct Block;
  std::unique_ptr<Block> block_;
};

}  // namespace kestrel::loop
