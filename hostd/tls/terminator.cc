#include "hostd/tls/terminator.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

/// A record's (RFC 8446, 5.1): no session can make more of one read.
constexpr std::size_t piece_size = 16 * 1024;
/// Pieces carried in one go, so that one busy connection does not keep the others waiting.
constexpr int pieces_per_turn = 8;

bool is_not_now(int error) { return error == EAGAIN || error == EINTR; }

}  // namespace

/// One client: a session over `outside_`, and `inside_`, one end of a pair whose other end is given away.
/// What one side does not take keeps it from reading the other: at most one piece a direction is held.
class TlsTerminator::Connection {
 public:
  Connection(TlsTerminator& terminator, sys::UniqueFd socket)
      : terminator_(terminator),
        outside_(std::move(socket)),
        session_(SSL_new(terminator.context_.get())),
        outside_watcher_(terminator.loop_, outside_.get(), [this](loop::Interest) { go_on(); }),
        limit_(terminator.loop_, [this] { terminator_.drop(*this); }) {
    SSL_set_fd(session_.get(), outside_.get());
    SSL_set_accept_state(session_.get());
    outside_watcher_.watch({.readable = true});
    limit_.arm(terminator_.limits_.handshake);
  }

  /// From now on it is only there because a callback of its own is still at work.
  void let_go() {
    outside_watcher_.watch({});
    inside_watcher_.watch({});
    limit_.disarm();
  }

 private:
  enum class Step { done, not_now, over, failed };

  void go_on() {
    if (!shake_hands() || !carry()) return terminator_.drop(*this);
    watch();
  }

  /// False: there will be no session. Until there is one, `inside_` is not open.
  bool shake_hands() {
    if (inside_.is_open()) return true;
    const int result = SSL_do_handshake(session_.get());
    if (result != 1) {
      const bool is_writing = SSL_get_error(session_.get(), result) == SSL_ERROR_WANT_WRITE;
      outside_watcher_.watch({.readable = !is_writing, .writable = is_writing});
      return understand(result) == Step::not_now;
    }
    std::array<int, 2> pair{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair.data()) != 0) return false;
    inside_ = sys::UniqueFd(pair[0]);
    inside_watcher_ = loop::FdWatcher(terminator_.loop_, inside_.get(), [this](loop::Interest ready) {
      if (ready.priority) hear_hang_up();
      go_on();
    });
    limit_.disarm();
    terminator_.take_(sys::UniqueFd(pair[1]));
    return true;
  }

  /// False: all has been said, or no more can be.
  bool carry() {
    if (!inside_.is_open()) return true;
    Step step = Step::done;
    for (int i = 0; i < pieces_per_turn && step == Step::done && !is_inward_over_; ++i) step = carry_in();
    if (step == Step::failed) return false;
    step = Step::done;
    for (int i = 0; i < pieces_per_turn && step == Step::done; ++i) step = carry_out();
    return step != Step::failed && step != Step::over;
  }

  Step carry_in() {
    if (inward_.empty()) {
      std::array<char, piece_size> piece;
      const int count = SSL_read(session_.get(), piece.data(), static_cast<int>(piece.size()));
      if (count <= 0) return hear_end(count);
      inward_.assign(piece.data(), static_cast<std::size_t>(count));
    }
    const ssize_t count = ::send(inside_.get(), inward_.data(), inward_.size(), MSG_NOSIGNAL);
    if (count < 0 && is_not_now(errno)) return Step::not_now;
    if (count < 0) {
      // Nobody listens any more, but there may be an answer yet.
      inward_.clear();
      is_inward_over_ = true;
      return Step::done;
    }
    inward_.erase(0, static_cast<std::size_t>(count));
    return Step::done;
  }

  /// A client's end is passed on as such only where it is signed: else somebody may have cut the connection
  /// in the middle of a request.
  Step hear_end(int result) {
    const Step step = understand(result);
    if (step != Step::done) return step;
    is_inward_over_ = true;
    ::shutdown(inside_.get(), SHUT_WR);
    return step;
  }

  /// The plain side has closed: no more than what it has sent is to come.
  void hear_hang_up() {
    has_hung_up_ = true;
    limit_.arm(terminator_.limits_.farewell);
  }

  Step carry_out() {
    if (outward_.empty() && !is_outward_over_) {
      std::array<char, piece_size> piece;
      const ssize_t count = ::recv(inside_.get(), piece.data(), piece.size(), 0);
      if (count < 0 && is_not_now(errno)) return Step::not_now;
      is_outward_over_ = count <= 0;
      if (count > 0) outward_.assign(piece.data(), static_cast<std::size_t>(count));
      if (is_outward_over_ && !has_hung_up_) hear_hang_up();
    }
    if (outward_.empty()) {
      SSL_shutdown(session_.get());
      ERR_clear_error();
      return Step::over;
    }
    const int count = SSL_write(session_.get(), outward_.data(), static_cast<int>(outward_.size()));
    if (count <= 0) return understand(count);
    outward_.erase(0, static_cast<std::size_t>(count));
    return Step::done;
  }

  /// What it means that a call came to nothing; done: the client has said its last word.
  Step understand(int result) {
    const int reason = SSL_get_error(session_.get(), result);
    ERR_clear_error();
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return Step::not_now;
    return reason == SSL_ERROR_ZERO_RETURN ? Step::done : Step::failed;
  }

  /// A read takes a whole record, and no more from the socket: what is left to read shows there.
  void watch() {
    if (!inside_.is_open()) return;
    outside_watcher_.watch({.readable = inward_.empty() && !is_inward_over_, .writable = !outward_.empty()});
    // What the client does not take keeps us from reading, but not from hearing that there is nobody left.
    inside_watcher_.watch({.readable = outward_.empty() && !is_outward_over_,
                           .writable = !inward_.empty(),
                           .priority = !outward_.empty() && !has_hung_up_});
  }

  TlsTerminator& terminator_;
  sys::UniqueFd outside_;
  sys::UniqueFd inside_;
  TlsSession session_;
  std::string inward_;
  std::string outward_;
  bool is_inward_over_ = false;
  bool has_hung_up_ = false;      ///< the plain side
  bool is_outward_over_ = false;  ///< and all that it had sent has been read
  loop::FdWatcher outside_watcher_;
  loop::FdWatcher inside_watcher_;
  loop::Timer limit_;
};

TlsTerminator::TlsTerminator(loop::Loop& loop, TlsContext context, TlsLimits limits, Taker take)
    : loop_(loop), context_(std::move(context)), limits_(limits), take_(std::move(take)) {}

TlsTerminator::~TlsTerminator() = default;

void TlsTerminator::listen(sys::UniqueFd socket) {
  listener_ = loop::Listener(loop_, std::move(socket),
                             [this](sys::UniqueFd accepted) { accept(std::move(accepted)); });
}

void TlsTerminator::accept(sys::UniqueFd socket) {
  sys::disable_nagle(socket.get());
  connections_.push_back(std::make_unique<Connection>(*this, std::move(socket)));
  if (connections_.size() >= limits_.connections) listener_.set_accepting(loop::Listener::Accepting::no);
}

void TlsTerminator::drop(Connection& connection) {
  const auto gone =
      std::find_if(connections_.begin(), connections_.end(),
                   [&](const std::unique_ptr<Connection>& each) { return each.get() == &connection; });
  if (gone == connections_.end()) return;
  // Its watcher is what calls.
  const std::shared_ptr<Connection> last = std::move(*gone);
  last->let_go();
  loop_.post([last] {});
  connections_.erase(gone);
  listener_.set_accepting(loop::Listener::Accepting::yes);
}

}  // namespace kestrel::hostd
