#include "kestrel/loop/loop.h"

#include <uv.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "kestrel/base/log.h"
#include "kestrel/loop/shared.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/ignored_signals.h"

namespace kestrel::loop {

namespace {

void run_tasks(uv_idle_t* runner) noexcept {
  uv_idle_stop(runner);
  auto& shared = Loop::Shared::of(runner->loop);
  shared.has_called_back = true;
  // What a task posts waits for the next round, so that tasks cannot starve descriptors and timers.
  for (auto& task : std::exchange(shared.tasks, {})) {
    task();
    task = nullptr;
  }
}

/// UV_RUN_ONCE runs the timers that are due and then sleeps all the same, but not once it has been told to
/// stop.
void skip_sleep_if_busy(uv_prepare_t* handle) noexcept {
  if (Loop::Shared::of(handle->loop).has_called_back) uv_stop(handle->loop);
}

}  // namespace

Loop::Loop() : native_(std::make_unique<uv_loop_t>()), shared_(std::make_unique<Shared>()) {
  sys::ignore_signal(SIGPIPE);
  // Fails only where the kernel has no descriptor or memory left for a program that has just started.
  if (int error = uv_loop_init(native_.get()); error != 0) {
    log_error("cannot make the event loop: ", uv_strerror(error));
    std::abort();
  }
  native_->data = shared_.get();
  uv_idle_init(native_.get(), &shared_->task_runner);
  uv_prepare_init(native_.get(), &shared_->before_sleep);
  uv_unref(reinterpret_cast<uv_handle_t*>(&shared_->before_sleep));
}

Loop::~Loop() {
  shared_->tasks.clear();
  uv_close(reinterpret_cast<uv_handle_t*>(&shared_->task_runner), nullptr);
  uv_close(reinterpret_cast<uv_handle_t*>(&shared_->before_sleep), nullptr);
  while (uv_loop_close(native_.get()) == UV_EBUSY) uv_run(native_.get(), UV_RUN_DEFAULT);
}

void Loop::run() { uv_run(native_.get(), UV_RUN_DEFAULT); }

void Loop::run_once() {
  shared_->has_called_back = false;
  uv_prepare_start(&shared_->before_sleep, skip_sleep_if_busy);
  uv_run(native_.get(), UV_RUN_ONCE);
  uv_prepare_stop(&shared_->before_sleep);
}

void Loop::stop() { uv_stop(native_.get()); }

void Loop::post(std::function<void()> task) {
  shared_->tasks.push_back(std::move(task));
  uv_idle_start(&shared_->task_runner, run_tasks);
}

MonotonicTime Loop::now() const { return sys::monotonic_now(); }

}  // namespace kestrel::loop
