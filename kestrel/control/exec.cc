#include "kestrel/control/exec.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/sys/pty.h"

namespace kestrel::control {

namespace {

/// How long processes that outlive the main one may hold its output open; then they are killed.
constexpr Duration grace = seconds(1);
/// How long the kernel may take for that. Whoever is stuck in it does not write either.
constexpr Duration time_to_die = seconds(5);
/// Reads in one go, so that one loud program does not keep the loop from everything else.
constexpr int reads_per_turn = 4;

std::uint8_t number_of(wire::FrameType stream) { return static_cast<std::uint8_t>(stream); }

}  // namespace

Exec::Exec(loop::Loop& loop, BatchPool& pool, ExecOwner& owner, std::string id, wire::ExecRequest request)
    : loop_(&loop),
      pool_(&pool),
      owner_(&owner),
      id_(std::move(id)),
      request_(std::move(request)),
      timeout_(loop,
               [this] {
                 is_timed_out_ = true;
                 kill();
               }),
      grace_(loop, [this] { handle_grace_over(); }) {
  if (request_.is_detached) ring_.emplace();
}

// --- the program -------------------------------------------------------------------------------------------

void Exec::start(ExecLauncher& launcher, Outcome on_outcome) {
  on_outcome_ = std::move(on_outcome);
  auto stdio = open_exec_stdio(request_);
  if (!stdio) return conclude_start(wire::ExecFailure{"stdio", stdio.error().message, stdio.error().code});
  if (stdio->input.is_open()) {
    input_.emplace(*loop_, std::move(stdio->input),
                   request_.has_terminal ? ExecInput::Kind::terminal : ExecInput::Kind::pipe,
                   ExecInput::Callbacks{.on_grant =
                                            [this](std::size_t bytes) {
                                              if (link_)
                                                link_->send(wire::FrameType::window,
                                                            wire::window_json(bytes));
                                            },
                                        .on_closed =
                                            [this] {
                                              if (link_)
                                                link_->send(wire::FrameType::end_of_file, {},
                                                            number_of(wire::FrameType::standard_input));
                                            }});
  }
  open_output(outputs_[0], std::move(stdio->output));
  open_output(outputs_[1], std::move(stdio->error));
  process_ = launcher.launch(request_, id_, stdio->child,
                             {.on_started = [this] { conclude_start(std::nullopt); },
                              .on_failed = [this](const wire::ExecFailure& why) { conclude_start(why); },
                              .on_end = [this](const ExecEnd& end) { handle_end(end); },
                              .on_gone = [this] { handle_gone(); }});
}

void Exec::conclude_start(const std::optional<wire::ExecFailure>& failure) {
  if (!failure && request_.timeout) timeout_.arm(*request_.timeout);
  if (const auto outcome = std::exchange(on_outcome_, nullptr)) outcome(failure);
  if (!failure) pump_all();
}

void Exec::handle_end(const ExecEnd& end) {
  timeout_.disarm();
  exit_ = end.how;
  exit_->is_timeout = is_timed_out_;
  if (!end.leaves_others) return handle_gone();
  grace_.arm(grace);
  pump_all();
}

void Exec::handle_gone() {
  grace_.disarm();
  can_write_no_more_ = true;
  pump_all();
}

void Exec::handle_grace_over() {
  if (std::exchange(is_rest_killed_, true)) return handle_gone();
  kill();
  grace_.arm(time_to_die);
}

void Exec::kill() {
  if (process_) process_->kill();
}

void Exec::dismiss(std::string_view why) {
  timeout_.disarm();
  grace_.disarm();
  process_.reset();
  if (link_) link_->send(wire::FrameType::error, wire::error_json(why));
  lose_link();
}

Exec::View Exec::view() const {
  return {.id = id_,
          .request = &request_,
          .is_attached = link_ != nullptr,
          .first_offset = ring_ ? ring_->begin() : 0,
          .end_offset = ring_ ? ring_->end() : 0,
          .exit = exit_};
}

// --- the client --------------------------------------------------------------------------------------------

void Exec::attach(sys::UniqueFd socket, std::string head, std::string_view received, std::uint64_t offset) {
  is_exit_told_ = false;
  if (link_) link_->send(wire::FrameType::error, wire::error_json("another client has attached"));
  lose_link();
  link_ = std::make_unique<ExecLink>(
      *loop_, *pool_, std::move(socket), std::move(head),
      ExecLink::Callbacks{.on_frame = [this](const wire::Frame& frame) { handle_frame(frame); },
                          .on_clear = [this] { pump_all(); },
                          .on_over = [this] { handle_link_over(); }});
  link_->flush();
  if (link_ && input_) link_->send(wire::FrameType::window, wire::window_json(input_->open_window()));
  if (link_ && ring_) {
    offset_ = std::max(offset, ring_->begin());
    if (offset_ > offset)
      link_->send(wire::FrameType::gap, wire::to_json(wire::OutputGap{offset, offset_ - 1}));
  }
  if (link_) link_->receive(received);
  pump_all();
}

void Exec::handle_frame(const wire::Frame& frame) {
  switch (frame.type) {
    case wire::FrameType::standard_input:
      return take_input(frame.payload);
    case wire::FrameType::end_of_file:
      if (input_) input_->end();
      return;
    case wire::FrameType::resize:
      if (const auto size = wire::parse_terminal_size(frame.payload);
          size && request_.has_terminal && outputs_[0].fd.is_open()) {
        request_.size = *size;
        [[maybe_unused]] const auto resized =
            sys::set_terminal_size(outputs_[0].fd.get(), size->rows, size->columns);
      }
      return;
    case wire::FrameType::signal:
      if (const auto signal = wire::parse_signal_json(frame.payload)) send_signal(*signal);
      return;
    case wire::FrameType::keepalive:
    case wire::FrameType::standard_output:
    case wire::FrameType::standard_error:
    case wire::FrameType::exit:
    case wire::FrameType::error:
    case wire::FrameType::gap:
    case wire::FrameType::window:
      return;
  }
}

void Exec::take_input(std::string_view bytes) {
  if (!input_ || input_->write(bytes)) return;
  link_->send(wire::FrameType::error, wire::error_json("more standard input came than was granted"));
  if (link_) handle_link_over();
}

/// On a terminal to whoever is in its foreground, as if it came from there.
void Exec::send_signal(int signal) {
  if (!process_ || exit_) return;
  if (request_.has_terminal && outputs_[0].fd.is_open() &&
      sys::signal_foreground(outputs_[0].fd.get(), signal))
    return;
  process_->signal(signal);
}

void Exec::lose_link() {
  if (!link_) return;
  link_->close();
  owner_->bury(std::move(link_));
}

void Exec::handle_link_over() {
  // A client that went before it could take the end of a detached one has not heard it.
  const bool is_done = !ring_ || (is_exit_told_ && link_->is_all_sent());
  lose_link();
  if (is_done) return owner_->retire(*this);
  pump_all();
}

// --- output ------------------------------------------------------------------------------------------------

void Exec::open_output(Output& output, sys::UniqueFd fd) {
  if (!fd.is_open()) return;
  output.fd = std::move(fd);
  output.watcher =
      loop::FdWatcher(*loop_, output.fd.get(), [this, &output](loop::Interest) { pump(output); });
}

void Exec::pump(Output& output) {
  for (int i = 0; i < reads_per_turn && can_take_output(); ++i) {
    if (read_output(output) == Progress::none) break;
  }
  conclude();
  watch_outputs();
}

void Exec::pump_all() {
  for (auto& output : outputs_) {
    if (output.fd.is_open()) pump(output);
  }
  if (ring_) deliver_from_ring();
  conclude();
  watch_outputs();
}

bool Exec::can_take_output() const {
  if (!ring_) return link_ && link_->is_clear();
  return !link_ || ring_->room(offset_) > 0;
}

Exec::Progress Exec::read_output(Output& output) {
  const ssize_t count = read_piece(output);
  const int error = errno;
  if (link_) link_->flush();
  if (count > 0) return Progress::made;
  // Whoever is left could only be none of ours, if anybody still holds the other end.
  const bool is_empty = count < 0 && (error == EAGAIN || error == EINTR);
  if (!is_empty || (can_write_no_more_ && error == EAGAIN)) close_output(output);
  return Progress::none;
}

ssize_t Exec::read_piece(Output& output) {
  return ring_ ? read_into_ring(output) : link_->batch().read_from(output.fd.get(), output.stream);
}

ssize_t Exec::read_into_ring(Output& output) {
  static std::array<char, 64 * 1024> buffer;
  const auto most = link_ ? std::min(buffer.size(), ring_->room(offset_)) : buffer.size();
  const ssize_t count = ::read(output.fd.get(), buffer.data(), most);
  if (count > 0) {
    ring_->append(output.stream, {buffer.data(), static_cast<std::size_t>(count)});
    deliver_from_ring();
    errno = 0;
  }
  return count;
}

void Exec::deliver_from_ring() {
  while (link_ && link_->is_clear() && offset_ < ring_->end()) {
    // Streams that take turns quickly can cost the ring more than it has room for.
    if (offset_ < ring_->begin()) {
      link_->send(wire::FrameType::gap, wire::to_json(wire::OutputGap{offset_, ring_->begin() - 1}));
      offset_ = ring_->begin();
      continue;
    }
    auto& batch = link_->batch();
    while (batch.has_room() && offset_ < ring_->end()) {
      const auto piece = ring_->read(offset_, wire::longest_payload);
      offset_ += batch.add(piece.stream, piece.bytes);
    }
    link_->flush();
  }
}

/// Of a detached exec it is told at the end, when the client has all that came before.
void Exec::close_output(Output& output) {
  output.watcher = {};
  output.fd.reset();
  if (link_ && !ring_) link_->send(wire::FrameType::end_of_file, {}, number_of(output.stream));
}

void Exec::watch_outputs() {
  const bool is_wanted = can_take_output();
  for (auto& output : outputs_) output.watcher.watch({.readable = is_wanted});
}

/// Tells the exit when all that came before it has been told.
void Exec::conclude() {
  const bool is_over = exit_ && !outputs_[0].fd.is_open() && !outputs_[1].fd.is_open();
  if (!is_over) return;
  process_.reset();
  input_.reset();
  if (!link_ || is_exit_told_ || (ring_ && offset_ < ring_->end())) return;
  is_exit_told_ = true;
  if (ring_) {
    for (const auto& output : outputs_)
      link_->send(wire::FrameType::end_of_file, {}, number_of(output.stream));
  }
  if (link_) link_->send(wire::FrameType::exit, wire::to_json(*exit_));
  if (link_) link_->finish();
}

}  // namespace kestrel::control
