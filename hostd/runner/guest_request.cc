#include "hostd/runner/guest_request.h"

#include <sys/socket.h>

#include <cerrno>

#include "hostd/runner/preambles.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/link_messages.h"

namespace kestrel::hostd {

wire::Request power_off_request() {
  wire::Request request;
  request.method = "POST";
  request.target = "/v1/power";
  request.headers = {{"Host", "vm"}, {"Content-Type", "application/json"}};
  request.body = R"({"action":"shutdown"})";
  return request;
}

/// Shared with the dialer's callback, which may come after the request is gone.
struct GuestRequest::State {
  State(loop::Loop& loop, std::function<void(Result<wire::Response>)> callback)
      : done(std::move(callback)), limit(loop, [this] {
          finish(Error{"the guest does not answer", ETIMEDOUT});
        }) {}

  void receive(Result<std::optional<wire::Response>> parsed, bool is_last) {
    if (!parsed) return finish(parsed.error());
    if (*parsed) return finish(std::move(**parsed));
    if (is_last) finish(Error{"the guest closed the connection without an answer", ECONNRESET});
  }
  void finish(Result<wire::Response> result) {
    limit.disarm();
    if (const auto callback = std::exchange(done, {})) callback(std::move(result));
  }

  std::function<void(Result<wire::Response>)> done;
  wire::ResponseReader reader{mebibytes(1)};
  loop::Stream stream;
  loop::Timer limit;
};

GuestRequest::GuestRequest(loop::Loop& loop, GuestDialer& dialer, std::string_view token,
                           const wire::Request& request, Duration limit,
                           std::function<void(Result<wire::Response>)> done)
    : state_(std::make_shared<State>(loop, std::move(done))) {
  state_->limit.arm(limit);
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    const int code = errno;
    loop.post([state = std::weak_ptr<State>(state_), code] {
      if (const auto alive = state.lock()) alive->finish(errno_error("cannot create a socket pair", code));
    });
    return;
  }
  State& state = *state_;
  state.stream = loop::Stream(
      loop, sys::UniqueFd(ends[0]),
      {.on_data = [&state](std::string_view bytes) { state.receive(state.reader.feed(bytes), false); },
       .on_end = [&state](const Error*) { state.receive(state.reader.finish(), true); },
       .on_drained = {}});
  state.stream.write(wire::serialize(request));
  // What ends the connection before it is joined is told by the dialer, with a better reason.
  dialer.connect(wire::vsock_port, sys::UniqueFd(ends[1]), session_preamble(token),
                 [weak = std::weak_ptr<State>(state_)](const Result<void>& joined) {
                   const auto alive = weak.lock();
                   if (!alive) return;
                   if (!joined) return alive->finish(joined.error());
                   alive->stream.start_reading();
                 });
}

GuestRequest::~GuestRequest() { state_->done = {}; }

}  // namespace kestrel::hostd
