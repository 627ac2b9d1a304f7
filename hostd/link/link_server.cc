#include "hostd/link/link_server.h"

#include <algorithm>

#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {
/// A guest needs one; the rest is room for mistakes, and bounds what a hostile one can hold.
constexpr std::size_t most_connections = 16;
}  // namespace

LinkServer::LinkServer(loop::Loop& loop, LinkCallbacks callbacks, LinkTiming timing)
    : loop_(loop), callbacks_(std::move(callbacks)), timing_(timing), pong_limit_(loop, [this] {
        if (linked_ != nullptr) linked_->close("it shows no sign of life");
      }) {}

Result<void> LinkServer::listen(const std::string& path) {
  auto socket = sys::listen_unix(path, 0600);
  if (!socket) return socket.error();
  listener_ = loop::Listener(loop_, std::move(*socket),
                             [this](sys::UniqueFd accepted) { accept(std::move(accepted)); });
  return {};
}

void LinkServer::recall(std::string boot_id, const wire::Ack& received) {
  boot_id_ = std::move(boot_id);
  received_ = received;
}

void LinkServer::accept(sys::UniqueFd socket) {
  if (connections_.size() >= most_connections) return;
  const auto connection = connections_.emplace(connections_.end());
  connection->session = std::make_unique<LinkSession>(
      loop_, std::move(socket), timing_.handshake,
      LinkSessionCallbacks{
          .on_upgrade = [this]() -> std::optional<std::string> {
            if (linked_ == nullptr) return std::nullopt;
            challenge();
            return "this guest has its link already";
          },
          .on_message = [this, connection](const wire::GuestMessage& message) { take(connection, message); },
          .on_batch_end = [this, connection] { connection->session->acknowledge(received_); },
          .on_end = [this, connection](std::string_view reason) { ended(connection, reason); }});
}

void LinkServer::take(Connections::iterator connection, const wire::GuestMessage& message) {
  if (connection->session.get() == linked_) pong_limit_.disarm();
  std::visit(overloaded{
                 [&](const wire::Hello& hello) { greet(connection, hello); },
                 [&](const wire::EventMessage& event) {
                   if (advance(received_.events, event.seq)) callbacks_.on_event(event);
                 },
                 [&](const wire::LogMessage& log) {
                   if (advance(received_.logs, log.seq)) callbacks_.on_log(log);
                 },
                 [&](const wire::Gap& gap) {
                   auto& last = gap.of == wire::Gap::Of::events ? received_.events : received_.logs;
                   if (advance(last, gap.last)) callbacks_.on_gap(gap);
                 },
                 [&](const wire::Exiting& exiting) { callbacks_.on_exiting(exiting); },
                 [](const wire::Pong&) {},
                 [&](const wire::ResumedReport& report) { callbacks_.on_resumed(report); },
             },
             message);
}

void LinkServer::greet(Connections::iterator connection, const wire::Hello& hello) {
  // Two may have asked for the upgrade before either had said hello.
  if (linked_ != nullptr) {
    challenge();
    return connection->session->close("this guest has its link already");
  }
  const auto welcome = callbacks_.on_hello(hello);
  if (!welcome) return connection->session->close(welcome.error().message);
  if (hello.boot_id != boot_id_) {
    boot_id_ = hello.boot_id;
    received_ = {};
  }
  received_.exiting = false;
  linked_ = connection->session.get();
  protocol_ = welcome->protocol;
  linked_->send(*welcome);
}

/// Protocols without an answer to a ping have no means to prove anything.
void LinkServer::challenge() {
  if (protocol_ < wire::protocol_with_resumed || pong_limit_.is_armed()) return;
  linked_->send(wire::Ping{.id = 1});
  pong_limit_.arm(timing_.pong);
}

void LinkServer::ended(Connections::iterator connection, std::string_view reason) {
  const bool was_linked = connection->session.get() == linked_;
  if (was_linked) {
    linked_ = nullptr;
    pong_limit_.disarm();
  }
  loop_.post([gone = std::shared_ptr<LinkSession>(std::move(connection->session))] {});
  connections_.erase(connection);
  if (was_linked) {
    callbacks_.on_lost(reason);
  } else {
    log_debug("a connection of the guest ended before it was a link: ", reason);
  }
}

void LinkServer::acknowledge_exiting() {
  received_.exiting = true;
  if (linked_ != nullptr) linked_->acknowledge(received_);
}

bool LinkServer::send(const wire::Resumed& message) {
  if (linked_ == nullptr || protocol_ < wire::protocol_with_resumed) return false;
  linked_->send(message);
  return true;
}

bool LinkServer::advance(std::uint64_t& last, std::uint64_t seq) {
  if (seq <= last) return false;
  last = seq;
  return true;
}

}  // namespace kestrel::hostd
