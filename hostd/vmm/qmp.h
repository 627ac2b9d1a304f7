// QEMU's monitor protocol, as little of it as a runner needs: QMP is lines of JSON, one object each (qemu:
// docs/interop/qmp-spec.txt). Commands are taken in order, so none has to wait for the greeting or for
// another's answer.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

struct QmpEvent {
  std::string name;  ///< `SHUTDOWN`, `STOP`, …
  std::string data;  ///< a JSON object
};

class Qmp {
 public:
  Qmp(loop::Loop& loop, sys::UniqueFd monitor, std::function<void(const QmpEvent&)> on_event);

  void quit();
  /// Told to be done by the events STOP and RESUME.
  void pause();
  void resume();

 private:
  void receive(std::string_view bytes);

  std::function<void(const QmpEvent&)> on_event_;
  wire::LineReader lines_;
  loop::Stream stream_;
};

}  // namespace kestrel::hostd
