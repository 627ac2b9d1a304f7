// Writes to standard error without ever waiting for its reader. What a reader leaves lying is queued; whoever
// writes looks at has_room() first.
#pragma once

#include <functional>
#include <string>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"

namespace kestrel::app {

class Console {
 public:
  /// `on_room` is called from the loop when there is room again; optional.
  explicit Console(loop::Loop& loop, std::function<void()> on_room = {});
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;
  /// What is queued still gets a moment; the loop waits for that in its destructor.
  ~Console();

  void write(std::string text);
  [[nodiscard]] bool has_room() const;
  /// What is written goes nowhere: the reader is gone, or it is /dev/null.
  [[nodiscard]] bool is_broken() const;

 private:
  /// Not open where standard error takes everything at once (a file) or cannot be reopened.
  loop::Stream stream_;
};

}  // namespace kestrel::app
