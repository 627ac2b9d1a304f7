#include "kestrel/loop/stream.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "kestrel/loop/block.h"
#include "kestrel/loop/shared.h"
#include "kestrel/loop/timer.h"

namespace kestrel::loop {

namespace {

enum class Reading { not_started, on, paused, ended };
enum class Writing { open, shutting_down, shut, broken };

/// Whether epoll takes the descriptor. libuv aborts the process when it learns that too late.
bool is_pollable(Loop& loop, int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) return false;
  if (S_ISSOCK(status.st_mode) || S_ISFIFO(status.st_mode)) return true;
  const int epoll = uv_backend_fd(loop.native());
  epoll_event nothing{};
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &nothing) != 0) return false;
  ::epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &nothing);
  return true;
}

/// libuv never closes descriptors 0, 1 and 2: a stream that has got one of them moves up.
sys::UniqueFd above_stdio(sys::UniqueFd fd) {
  if (!fd.is_open() || fd.get() > STDERR_FILENO) return fd;
  return sys::UniqueFd(::fcntl(fd.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

}  // namespace

/// At most one write is with libuv (`in_flight`); what comes meanwhile is gathered in `waiting` and goes as
/// one next.
struct Stream::Block : HandleBlock<uv_pipe_t> {
  Loop* loop = nullptr;
  StreamCallbacks callbacks;
  Reading reading = Reading::not_started;
  Writing writing = Writing::open;
  std::optional<Error> error;  ///< why the stream broke
  uv_write_t request{};
  std::string in_flight;
  std::string waiting;
  /// While there is an owner: tells an error that write() found. Afterwards: the limit of the flush.
  Timer timer;

  uv_stream_t* native() { return reinterpret_cast<uv_stream_t*>(&handle); }

  void open(sys::UniqueFd given);
  void close();
  [[nodiscard]] std::size_t write_now(std::string_view data);
  void queue(std::string data, std::size_t offset);
  void submit(std::size_t offset);
  void flushed();
  void shut();
  void broke(int code);
  void broke_inside_caller(int code);
  void end();

  static void provide_buffer(uv_handle_t* handle, std::size_t suggested, uv_buf_t* buffer) noexcept;
  static void was_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept;
  static void was_written(uv_write_t* request, int status) noexcept;
};

void Stream::Block::open(sys::UniqueFd given) {
  handle.data = this;
  uv_pipe_init(loop->native(), &handle, 0);
  sys::UniqueFd fd = above_stdio(std::move(given));
  const int status = is_pollable(*loop, fd.get()) ? uv_pipe_open(&handle, fd.get()) : UV_EPERM;
  if (status == 0) {
    static_cast<void>(fd.release());
  } else {
    broke_inside_caller(-status);
  }
}

void Stream::Block::close() {
  timer = {};
  close_handle(*this);
  callbacks = {};
}

// --- writing ----------------------------------------------------------------------------------------------

/// How much of it is written.
std::size_t Stream::Block::write_now(std::string_view data) {
  if (!in_flight.empty()) return 0;
  // libuv only reads it.
  const uv_buf_t whole{.base = const_cast<char*>(data.data()), .len = data.size()};
  // An error shows again in submit(), which reports it from the loop.
  return static_cast<std::size_t>(std::max(uv_try_write(native(), &whole, 1), 0));
}

/// What stands at `offset` and behind it.
void Stream::Block::queue(std::string data, std::size_t offset) {
  if (!in_flight.empty()) {
    waiting.append(data, offset);
    return;
  }
  in_flight = std::move(data);
  submit(offset);
}

void Stream::Block::submit(std::size_t offset) {
  request.data = this;
  const uv_buf_t rest{.base = in_flight.data() + offset, .len = in_flight.size() - offset};
  if (int status = uv_write(&request, native(), &rest, 1, was_written); status != 0)
    broke_inside_caller(-status);
}

void Stream::Block::was_written(uv_write_t* request, int status) noexcept {
  auto& block = block_of<Block>(request->data);
  if (uv_is_closing(handle_of(block)) != 0) return;
  block.in_flight = {};
  if (status < 0) {
    block.broke(-status);
  } else if (!block.waiting.empty()) {
    block.in_flight = std::exchange(block.waiting, {});
    block.submit(0);
  } else {
    block.flushed();
  }
}

void Stream::Block::flushed() {
  if (is_detached) return close();
  if (writing == Writing::shutting_down) shut();
  run_callback(*this, callbacks.on_drained);
}

void Stream::Block::shut() {
  writing = Writing::shut;
  uv_os_fd_t fd = -1;
  if (uv_fileno(handle_of(*this), &fd) == 0) ::shutdown(fd, SHUT_WR);
}

/// A write failed.
void Stream::Block::broke(int code) {
  writing = Writing::broken;
  in_flight = {};
  waiting = {};
  error = errno_error("cannot write to the stream", code);
  if (is_detached) return close();
  switch (reading) {
    case Reading::on:
      return;  // was_read() ends the stream behind what the peer has still sent
    case Reading::ended:
      return run_callback(*this, callbacks.on_drained);
    case Reading::not_started:
    case Reading::paused:
      return end();
  }
}

void Stream::Block::broke_inside_caller(int code) {
  writing = Writing::broken;
  timer = Timer(*loop, [this, code] { broke(code); });
  timer.arm(Duration::zero());
}

// --- reading ----------------------------------------------------------------------------------------------

void Stream::Block::provide_buffer(uv_handle_t* handle, std::size_t, uv_buf_t* buffer) noexcept {
  auto& shared = Loop::Shared::of(handle->loop).read_buffer;
  if (!shared) shared = std::make_unique<Loop::Shared::ReadBuffer>();
  *buffer = {.base = shared->data(), .len = shared->size()};
}

void Stream::Block::was_read(uv_stream_t* stream, ssize_t count, const uv_buf_t* buffer) noexcept {
  auto& block = block_of<Block>(stream->data);
  if (count > 0) {
    run_callback(block, block.callbacks.on_data,
                 std::string_view(buffer->base, static_cast<std::size_t>(count)));
  } else if (count < 0) {
    if (count != UV_EOF && !block.error) {
      block.writing = Writing::broken;
      block.error = errno_error("cannot read from the stream", static_cast<int>(-count));
    }
    block.end();
  }
}

void Stream::Block::end() {
  reading = Reading::ended;
  run_callback(*this, callbacks.on_end, error ? &*error : nullptr);
}

// --- the owner --------------------------------------------------------------------------------------------

Stream::Stream(Loop& loop, sys::UniqueFd fd, StreamCallbacks callbacks) : block_(new Block) {
  block_->loop = &loop;
  block_->callbacks = std::move(callbacks);
  block_->open(std::move(fd));
}

Stream::Stream(Stream&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}

Stream& Stream::operator=(Stream&& other) noexcept {
  Stream taken(std::move(other));
  std::swap(block_, taken.block_);
  return *this;
}

Stream::~Stream() {
  if (block_ != nullptr) block_->close();
}

void Stream::start_reading() {
  if (block_->reading == Reading::on || block_->reading == Reading::ended) return;
  if (uv_read_start(block_->native(), Block::provide_buffer, Block::was_read) == 0)
    block_->reading = Reading::on;
}

void Stream::stop_reading() {
  if (block_->reading != Reading::on) return;
  block_->reading = Reading::paused;
  uv_read_stop(block_->native());
}

void Stream::write(std::string data) {
  if (data.empty() || block_->writing != Writing::open) return;
  const std::size_t written = block_->write_now(data);
  if (written < data.size()) block_->queue(std::move(data), written);
}

void Stream::write_lent(std::string_view data) {
  if (data.empty() || block_->writing != Writing::open) return;
  data.remove_prefix(block_->write_now(data));
  if (!data.empty()) block_->queue(std::string(data), 0);
}

std::size_t Stream::queued_bytes() const {
  if (block_->writing == Writing::broken || block_->in_flight.empty()) return 0;
  return uv_stream_get_write_queue_size(block_->native()) + block_->waiting.size();
}

bool Stream::is_broken() const { return block_->writing == Writing::broken; }

void Stream::shutdown() {
  if (block_->writing != Writing::open) return;
  block_->writing = Writing::shutting_down;
  if (block_->in_flight.empty()) block_->shut();
}

void Stream::close_after_flush(Duration limit) {
  Block* block = std::exchange(block_, nullptr);
  if (block == nullptr) return;
  if (block->in_flight.empty() || block->writing == Writing::broken) return block->close();
  block->is_detached = true;
  block->callbacks = {};
  uv_read_stop(block->native());
  block->timer = Timer(*block->loop, [block] { block->close(); });
  block->timer.arm(limit);
}

int Stream::fd() const {
  uv_os_fd_t fd = -1;
  return block_ != nullptr && uv_fileno(handle_of(*block_), &fd) == 0 ? fd : -1;
}

sys::UniqueFd Stream::release() {
  sys::UniqueFd copy(::fcntl(fd(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  *this = {};
  return copy;
}

}  // namespace kestrel::loop
