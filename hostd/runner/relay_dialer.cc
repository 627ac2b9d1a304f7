#include "hostd/runner/relay_dialer.h"

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

/// How long a guest may take to accept: one that is emulated on a loaded machine can need more than Linux
/// waits by itself.
constexpr Duration accept_time = seconds(10);
/// `OK <n>\n`, with some room.
constexpr std::size_t longest_answer = 64;
constexpr std::size_t longest_reply = 16 * 1024;

}  // namespace

/// One caller until it is joined or has failed.
class RelayDialer::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(RelayDialer& dialer, std::uint32_t port, sys::UniqueFd host, vsock::Opening opening)
      : dialer_(dialer),
        port_(port),
        host_(std::move(host)),
        opening_(std::move(opening)),
        limit_(dialer.loop_, [this] { fail("it does not answer", ETIMEDOUT); }) {}

  void begin() {
    limit_.arm(dialer_.call_time_);
    auto socket = dialer_.way_.dial(port_);
    if (!socket) {
      dialer_.loop_.post([weak = weak_from_this(), error = socket.error()] {
        if (const auto call = weak.lock()) call->fail(error.message, error.code);
      });
      return;
    }
    connector_ = loop::Connector(dialer_.loop_, std::move(*socket), dialer_.call_time_,
                                 [this](Result<sys::UniqueFd> connected) {
                                   if (!connected)
                                     return fail(connected.error().message, connected.error().code);
                                   ask(std::move(*connected));
                                 });
  }

 private:
  void ask(sys::UniqueFd socket) {
    // Of the kernel's vsock it is the port on the host; others have none.
    if (opening_.greeting == vsock::Opening::Greeting::ok_line)
      greeting_ = concat("OK ", sys::bound_vsock_port(socket).value_or(port_), '\n');
    guest_ = loop::Stream(dialer_.loop_, std::move(socket),
                          {.on_data = [this](std::string_view bytes) { receive(bytes); },
                           .on_end = [this](const Error*) { fail("nobody listens there", ECONNRESET); },
                           .on_drained = {}});
    if (!dialer_.way_.request) return begin_preamble();
    guest_.write(dialer_.way_.request(port_));
    guest_.start_reading();
  }

  void receive(std::string_view bytes) {
    received_.append(bytes);
    if (has_begun_preamble_) return take_reply();
    if (take_answer()) begin_preamble();
  }

  bool take_answer() {
    const std::size_t end = received_.find('\n');
    if (end == std::string::npos && received_.size() <= longest_answer) return false;
    if (end == std::string::npos || !received_.starts_with("OK ")) {
      fail(concat("it answered ", printable(received_.substr(0, std::min(end, longest_answer)))), EPROTO);
      return false;
    }
    received_.erase(0, end + 1);
    return true;
  }

  void begin_preamble() {
    has_begun_preamble_ = true;
    if (opening_.preamble.to_guest.empty()) return join();
    guest_.write(opening_.preamble.to_guest);
    guest_.start_reading();
    take_reply();
  }

  void take_reply() {
    const vsock::PreambleStep step = opening_.preamble.on_reply(received_);
    switch (step.verdict) {
      case vsock::PreambleStep::Verdict::more:
        if (received_.size() > longest_reply) fail("its answer has no end", EPROTO);
        return;
      case vsock::PreambleStep::Verdict::refuse:
        return fail(step.reason, EPROTO);
      case vsock::PreambleStep::Verdict::join:
        received_.erase(0, step.consumed);
        return join();
    }
  }

  void join() {
    // What it has answered it has read: nothing is queued.
    dialer_.join(guest_.release(), std::move(host_), greeting_ + received_);
    finish({});
  }
  void fail(std::string_view reason, int code) {
    host_.reset();
    finish(Error{concat("cannot connect to the guest: ", reason), code});
  }
  void finish(Result<void> result) {
    const auto done = std::move(opening_.done);
    // This is gone after the next line but one.
    RelayDialer& dialer = dialer_;
    dialer.drop(*this);
    if (done) done(std::move(result));
  }

  friend class RelayDialer;
  RelayDialer& dialer_;
  std::uint32_t port_;
  sys::UniqueFd host_;
  vsock::Opening opening_;
  std::string greeting_;
  loop::Timer limit_;
  loop::Connector connector_;
  loop::Stream guest_;
  std::string received_;
  bool has_begun_preamble_ = false;
};

RelayDialer::RelayDialer(loop::Loop& loop, Way way, Duration call_time)
    : loop_(loop), way_(std::move(way)), call_time_(call_time) {}
RelayDialer::~RelayDialer() = default;

void RelayDialer::open(std::uint32_t port, sys::UniqueFd host, vsock::Opening opening) {
  calls_.push_back(std::make_shared<Call>(*this, port, std::move(host), std::move(opening)));
  calls_.back()->begin();
}

void RelayDialer::join(sys::UniqueFd guest, sys::UniqueFd host, std::string received) {
  sys::disable_nagle(host.get());
  relays_.push_back(std::make_unique<loop::Relay>(
      loop_, buffer_, loop::Relay::Side{std::move(guest), {}},
      loop::Relay::Side{std::move(host), std::move(received)}, [this](loop::Relay& ended) {
        const auto place = std::find_if(relays_.begin(), relays_.end(),
                                        [&](const auto& one) { return one.get() == &ended; });
        loop_.post([gone = std::shared_ptr<loop::Relay>(std::move(*place))] {});
        relays_.erase(place);
      }));
}

/// It may be on the stack.
void RelayDialer::drop(Call& call) {
  const auto place =
      std::find_if(calls_.begin(), calls_.end(), [&](const auto& one) { return one.get() == &call; });
  call.limit_.disarm();
  loop_.post([gone = std::move(*place)] {});
  calls_.erase(place);
}

RelayDialer::Way hybrid_way(std::string socket_path) {
  return {.dial = [path = std::move(socket_path)](std::uint32_t) { return sys::connect_unix(path); },
          .request = [](std::uint32_t port) { return concat("CONNECT ", port, '\n'); }};
}

RelayDialer::Way kernel_way(std::uint32_t cid) {
  return {.dial = [cid](std::uint32_t port) { return sys::connect_vsock(cid, port, accept_time); },
          .request = {}};
}

}  // namespace kestrel::hostd
