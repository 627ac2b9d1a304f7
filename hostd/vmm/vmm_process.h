// One QEMU process: started with its sockets, watched, ended.
//
// It never outlives this process: the kernel kills it when we end, however we end (parent death signal). It
// is handed two connected sockets of its own, its monitor's and the guest's serial console, and what the
// facts name.
#pragma once

#include <sys/types.h>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "hostd/qemu_command.h"
#include "hostd/vm_machine.h"
#include "hostd/vmm/qmp.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/process.h"

namespace kestrel::hostd {

struct VmmCallbacks {
  std::function<void(std::string_view)> on_console;
  std::function<void(const QmpEvent&)> on_event;
  /// Once, and last: all of the console's output has been delivered. The process has been reaped.
  std::function<void(const VmmExited&)> on_exit;
};

class VmmProcess {
 public:
  /// `facts` without sockets, kernel and initramfs; other files, devices and taps have the numbers that
  /// they have here. At `qmp_path` people find a monitor of their own. The error says why there is no
  /// process, as an event for the machine.
  static std::variant<std::unique_ptr<VmmProcess>, SpawnFailed> start(loop::Loop& loop, const VmSpec& spec,
                                                                      VmmFacts facts,
                                                                      const std::string& qmp_path,
                                                                      VmmCallbacks callbacks);
  ~VmmProcess();

  [[nodiscard]] pid_t pid() const { return pid_; }

  void quit();
  void kill();
  void pause();
  void resume();

 private:
  VmmProcess(loop::Loop& loop, VmmCallbacks callbacks) : loop_(loop), callbacks_(std::move(callbacks)) {}

  std::optional<SpawnFailed> spawn(const VmSpec& spec, VmmFacts facts, const std::string& qmp_path);
  std::optional<SpawnFailed> start_child(const sys::ProcessSpec& process);
  void listen_to_console(sys::UniqueFd console);
  void listen_to_stderr(sys::UniqueFd errors, const std::string& program);
  void child_changed();
  void take_stderr(std::string_view bytes);
  void deliver_exit();

  loop::Loop& loop_;
  VmmCallbacks callbacks_;
  pid_t pid_ = -1;
  std::optional<sys::ExitStatus> ended_;
  std::unique_ptr<Qmp> qmp_;
  loop::SignalWatcher child_watcher_;
  loop::Stream console_;
  loop::Stream stderr_;
  loop::Timer drain_limit_;
  bool has_console_ended_ = false;
  bool has_stderr_ended_ = false;
  std::string stderr_tail_;
};

}  // namespace kestrel::hostd
