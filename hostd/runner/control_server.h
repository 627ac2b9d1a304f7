// runner.sock: what a running VM's runner answers, over HTTP.
//
// - GET /v1/vm: the VM's state, its boot timeline, its ports.
// - POST /v1/stop?force=1&wait=1: 202; with `wait` the answer is {"status", "message"} when it has ended.
// - POST /v1/pause, /v1/resume: {"state", "paused_ms", "guest"} when it is so.
// - GET /v1/logs?lines=&after=&runtime_id=&service=&follow=: NDJSON {seq,time,service,stream,line}.
// - GET /v1/events?lines=&after=&runtime_id=&follow=: NDJSON {seq,time,type,…}.
//
// Lists are read from the record files while the client takes them; a client that stops reading costs nothing
// but its connection. With `follow` an answer goes on until the VM has ended.
//
// Numbers belong to one run of the VM, whose id every list names in its header `Runtime-Id`. Whoever comes
// back with `after` and that id goes on where it was, or learns (409) that the numbers have begun anew.
#pragma once

#include <string>
#include <vector>

#include "hostd/http/http_server.h"
#include "hostd/records/record_log.h"
#include "hostd/runner/pause_control.h"
#include "hostd/vm_machine.h"
#include "hostd/vm_outcome.h"
#include "kestrel/loop/loop.h"

namespace kestrel::hostd {

/// What the server shows and does.
class ControlTarget {
 public:
  ControlTarget() = default;
  ControlTarget(const ControlTarget&) = delete;
  ControlTarget& operator=(const ControlTarget&) = delete;
  virtual ~ControlTarget() = default;

  [[nodiscard]] virtual std::string status_json() const = 0;
  [[nodiscard]] virtual const std::string& runtime_id() const = 0;
  /// An error, with code EBUSY, where it cannot be asked for.
  [[nodiscard]] virtual Result<void> stop(StopRequested::Urgency urgency) = 0;
  virtual void pause(PauseAnswer answer) = 0;
  virtual void resume(PauseAnswer answer) = 0;
  [[nodiscard]] virtual RecordLog& logs() = 0;
  [[nodiscard]] virtual RecordLog& events() = 0;
};

class ControlServer {
 public:
  ControlServer(loop::Loop& loop, ControlTarget& target);

  [[nodiscard]] Result<void> listen(const std::string& path);
  /// The VM has ended: answers who waits for it, and ends the answers of who follows.
  void finish(const Outcome& outcome);

 private:
  void handle(const wire::Request& request, const Responder& responder);
  void stop(const wire::Target& target, const Responder& responder);
  void list(const wire::Target& target, RecordLog& log, const Responder& responder);

  ControlTarget& target_;
  /// Those who asked for a stop, and wait until it is over.
  std::vector<Responder> waiting_;
  HttpServer server_;
};

}  // namespace kestrel::hostd
