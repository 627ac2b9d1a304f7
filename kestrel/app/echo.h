// Shows what the services print on Kestrel's own standard error, beside its log: `[api] line`, or JSON. It
// reads the ring like everybody else: a reader of standard error that is slow misses lines and is told how
// many, and holds up only services that asked for it (`on_full: block`).
#pragma once

#include "kestrel/app/console.h"
#include "kestrel/control/log_ring.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/log_output.h"

namespace kestrel::app {

class Echo {
 public:
  /// `ring` must outlive it. Begins with the oldest line.
  Echo(loop::Loop& loop, control::LogRing& ring, sys::LogFormat format);
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;
  /// Shows the rest.
  ~Echo();

  /// Shows what there is, as far as standard error takes it now; the loop does the rest. For whoever is about
  /// to write something that comes after it.
  void show();

 private:
  [[nodiscard]] bool show_piece();
  [[nodiscard]] std::string text_of(const control::LogItem& item) const;

  control::LogRing* ring_;
  sys::LogFormat format_;
  Console console_;
  loop::Timer timer_;
  control::Follower follower_;
  control::LogCursor cursor_;
};

}  // namespace kestrel::app
