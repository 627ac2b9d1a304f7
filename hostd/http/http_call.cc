#include "hostd/http/http_call.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

std::string text_of(wire::Request request) {
  if (!wire::find_header(request.headers, "Host")) request.headers.emplace_back("Host", "localhost");
  return wire::serialize(request);
}

int peer_of(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/// An error of connect() is told from the loop, like everything else.
Result<loop::Stream> connect(loop::Loop& loop, const std::string& path, const wire::Request& request,
                             loop::StreamCallbacks callbacks) {
  auto socket = sys::connect_unix(path);
  if (!socket) return socket.error();
  loop::Stream stream(loop, std::move(*socket), std::move(callbacks));
  stream.start_reading();
  stream.write(text_of(request));
  return stream;
}

}  // namespace

// --- an answer as a whole ---------------------------------------------------------------------------------

struct HttpCalls::Call : std::enable_shared_from_this<Call> {
  Call(HttpCalls& owner, std::function<void(Result<wire::Response>)> callback)
      : calls(&owner), done(std::move(callback)), limit(owner.loop_, [this] {
          finish(Error{"there is no answer", ETIMEDOUT});
        }) {}

  void receive(Result<std::optional<wire::Response>> parsed, bool is_last) {
    if (!parsed) return finish(parsed.error());
    if (*parsed) return finish(std::move(**parsed));
    if (is_last) finish(Error{"the connection was closed without an answer", ECONNRESET});
  }

  void finish(Result<wire::Response> result) {
    if (calls == nullptr) return;
    const auto self = shared_from_this();
    calls->calls_.remove(self);
    // It is on the stack below us.
    calls->loop_.post([self] {});
    calls = nullptr;
    limit.disarm();
    if (stream.is_open()) stream.stop_reading();
    done(std::move(result));
  }

  HttpCalls* calls;  ///< nullptr: it is over
  std::function<void(Result<wire::Response>)> done;
  wire::ResponseReader reader{mebibytes(16)};
  loop::Timer limit;
  loop::Stream stream;
};

HttpCalls::~HttpCalls() {
  for (const auto& call : calls_) call->calls = nullptr;
}

void HttpCalls::ask(const std::string& socket_path, wire::Request request, Duration limit,
                    std::function<void(Result<wire::Response>)> done) {
  const auto call = std::make_shared<Call>(*this, std::move(done));
  calls_.push_back(call);
  Call& state = *call;
  auto stream = connect(
      loop_, socket_path, request,
      {.on_data = [&state](std::string_view bytes) { state.receive(state.reader.feed(bytes), false); },
       .on_end = [&state](const Error*) { state.receive(state.reader.finish(), true); },
       .on_drained = {}});
  if (!stream) {
    return loop_.post([weak = std::weak_ptr<Call>(call), error = stream.error()] {
      if (const auto alive = weak.lock()) alive->finish(error);
    });
  }
  state.stream = std::move(*stream);
  state.limit.arm(limit);
}

// --- an answer that is followed ---------------------------------------------------------------------------

struct HttpFollow::State {
  State(loop::Loop& loop, FollowCallbacks wanted)
      : callbacks(std::move(wanted)), limit(loop, [this] {
          const Error late{"there is no answer", ETIMEDOUT};
          end(&late);
        }) {}

  void receive(std::string_view bytes) {
    const bool had_head = reader.head().has_value();
    const auto body = reader.feed(bytes);
    if (!body) return end(&body.error());
    if (!had_head && reader.head()) {
      limit.disarm();
      callbacks.on_head(*reader.head(), peer_of(stream.fd()));
    }
    if (is_over) return;
    const bool is_success = reader.head() && reader.head()->status / 100 == 2;
    if (is_success && !body->empty()) callbacks.on_body(*body);
    if (!is_over && reader.is_done()) end(nullptr);
  }

  void end(const Error* error) {
    if (std::exchange(is_over, true)) return;
    limit.disarm();
    if (stream.is_open()) stream.stop_reading();
    callbacks.on_end(error);
  }

  FollowCallbacks callbacks;
  wire::StreamedResponseReader reader;
  bool is_over = false;
  loop::Timer limit;
  loop::Stream stream;
};

HttpFollow::HttpFollow(loop::Loop& loop, const std::string& socket_path, wire::Request request,
                       Duration limit, FollowCallbacks callbacks)
    : state_(std::make_shared<State>(loop, std::move(callbacks))) {
  const std::weak_ptr<State> weak = state_;
  auto stream = connect(loop, socket_path, request,
                        {.on_data =
                             [weak](std::string_view bytes) {
                               if (const auto alive = weak.lock()) alive->receive(bytes);
                             },
                         .on_end =
                             [weak](const Error* error) {
                               const auto alive = weak.lock();
                               if (!alive) return;
                               const Error early{"the connection was closed", ECONNRESET};
                               alive->end(error == nullptr ? &early : error);
                             },
                         .on_drained = {}});
  if (!stream) {
    loop.post([weak, error = stream.error()] {
      if (const auto alive = weak.lock()) alive->end(&error);
    });
    return;
  }
  state_->stream = std::move(*stream);
  state_->limit.arm(limit);
}

HttpFollow::~HttpFollow() { state_->is_over = true; }

}  // namespace kestrel::hostd
