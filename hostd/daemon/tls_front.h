// hostd's side of hostd-tls (hostd/tls/process.h): it is started, started again when it ends, and what it
// gives is passed on.
#pragma once

#include <functional>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

struct TlsFiles {
  std::string certificates;  ///< empty: no TLS
  std::string key;
};

/// Its process is a child like the runners: whoever owns this collects those that have ended.
class TlsFront {
 public:
  using Taker = std::function<void(sys::UniqueFd connection)>;
  /// `socket` is a listening one.
  TlsFront(loop::Loop& loop, TlsFiles files, sys::UniqueFd socket, Taker take);
  TlsFront(const TlsFront&) = delete;
  TlsFront& operator=(const TlsFront&) = delete;

  /// Waits until it serves. The error is what is wrong with the files, or with the program.
  [[nodiscard]] Result<void> start();

 private:
  [[nodiscard]] Result<void> spawn();
  void receive();

  loop::Loop& loop_;
  TlsFiles files_;
  sys::UniqueFd socket_;
  Taker take_;
  sys::UniqueFd channel_;  ///< the program ends when it is closed
  loop::FdWatcher watcher_;
  loop::Timer retry_;
};

}  // namespace kestrel::hostd
