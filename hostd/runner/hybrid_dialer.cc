#include "hostd/runner/hybrid_dialer.h"

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

constexpr Duration connect_time = seconds(5);
/// `OK <n>\n`, with some room.
constexpr std::size_t longest_answer = 64;
constexpr std::size_t longest_reply = 16 * 1024;

}  // namespace

/// One caller until it is joined or has failed.
class HybridDialer::Call : public std::enable_shared_from_this<Call> {
 public:
  Call(HybridDialer& dialer, std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
       std::function<void(Result<void>)> done)
      : dialer_(dialer),
        host_(std::move(host)),
        preamble_(std::move(preamble)),
        request_(concat("CONNECT ", port, '\n')),
        done_(std::move(done)),
        limit_(dialer.loop_, [this] { fail("it does not answer", ETIMEDOUT); }) {}

  void begin() {
    limit_.arm(dialer_.call_time_);
    auto socket = sys::connect_unix(dialer_.socket_path_);
    if (!socket) {
      dialer_.loop_.post([weak = weak_from_this(), error = socket.error()] {
        if (const auto call = weak.lock()) call->fail(error.message, error.code);
      });
      return;
    }
    connector_ = loop::Connector(dialer_.loop_, std::move(*socket), connect_time,
                                 [this](Result<sys::UniqueFd> connected) {
                                   if (!connected)
                                     return fail(connected.error().message, connected.error().code);
                                   ask(std::move(*connected));
                                 });
  }

 private:
  void ask(sys::UniqueFd socket) {
    guest_ = loop::Stream(dialer_.loop_, std::move(socket),
                          {.on_data = [this](std::string_view bytes) { receive(bytes); },
                           .on_end = [this](const Error*) { fail("nobody listens there", ECONNRESET); },
                           .on_drained = {}});
    guest_.write(request_);
    guest_.start_reading();
  }

  void receive(std::string_view bytes) {
    received_.append(bytes);
    if (!is_connected_ && !take_answer()) return;
    take_reply();
  }

  bool take_answer() {
    const std::size_t end = received_.find('\n');
    if (end == std::string::npos && received_.size() <= longest_answer) return false;
    if (end == std::string::npos || !received_.starts_with("OK ")) {
      fail(concat("it answered ", printable(received_.substr(0, std::min(end, longest_answer)))), EPROTO);
      return false;
    }
    received_.erase(0, end + 1);
    is_connected_ = true;
    if (!preamble_.to_guest.empty()) guest_.write(preamble_.to_guest);
    return true;
  }

  void take_reply() {
    if (preamble_.to_guest.empty()) return join();
    const vsock::PreambleStep step = preamble_.on_reply(received_);
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
    dialer_.join(guest_.release(), std::move(host_), std::move(received_));
    finish({});
  }
  void fail(std::string_view reason, int code) {
    host_.reset();
    finish(Error{concat("cannot connect to the guest: ", reason), code});
  }
  void finish(Result<void> result) {
    const auto done = std::move(done_);
    // This is gone after the next line but one.
    HybridDialer& dialer = dialer_;
    dialer.drop(*this);
    done(std::move(result));
  }

  friend class HybridDialer;
  HybridDialer& dialer_;
  sys::UniqueFd host_;
  vsock::Preamble preamble_;
  std::string request_;
  std::function<void(Result<void>)> done_;
  loop::Timer limit_;
  loop::Connector connector_;
  loop::Stream guest_;
  std::string received_;
  bool is_connected_ = false;
};

HybridDialer::HybridDialer(loop::Loop& loop, std::string socket_path, Duration call_time)
    : loop_(loop), socket_path_(std::move(socket_path)), call_time_(call_time) {}
HybridDialer::~HybridDialer() = default;

void HybridDialer::connect(std::uint32_t port, sys::UniqueFd host, vsock::Preamble preamble,
                           std::function<void(Result<void>)> done) {
  calls_.push_back(
      std::make_shared<Call>(*this, port, std::move(host), std::move(preamble), std::move(done)));
  calls_.back()->begin();
}

void HybridDialer::join(sys::UniqueFd guest, sys::UniqueFd host, std::string received) {
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
void HybridDialer::drop(Call& call) {
  const auto place =
      std::find_if(calls_.begin(), calls_.end(), [&](const auto& one) { return one.get() == &call; });
  call.limit_.disarm();
  loop_.post([gone = std::move(*place)] {});
  calls_.erase(place);
}

}  // namespace kestrel::hostd
