#include "kestrel/control/server.h"

#include <algorithm>
#include <utility>

#include "kestrel/control/resources.h"
#include "kestrel/loop/stream.h"

namespace kestrel::control {

namespace {

template <typename T>
std::unique_ptr<T> take(std::vector<std::unique_ptr<T>>& from, T* what) {
  const auto found =
      std::find_if(from.begin(), from.end(), [what](const auto& each) { return each.get() == what; });
  std::swap(*found, from.back());
  std::unique_ptr<T> taken = std::move(from.back());
  from.pop_back();
  return taken;
}

void turn_away(loop::Loop& loop, sys::UniqueFd socket) {
  wire::Response response = wire::problem(503, "too many connections");
  response.keep_alive = false;
  loop::Stream stream(loop, std::move(socket), {});
  stream.write(wire::serialize(response));
  stream.close_after_flush();
}

}  // namespace

ApiServer::ApiServer(loop::Loop& loop, Guest& guest, ApiOptions options)
    : loop_(&loop),
      guest_(&guest),
      options_(std::move(options)),
      burial_(loop, [this] { corpses_.clear(); }) {}

ApiServer::~ApiServer() = default;

void ApiServer::listen(sys::UniqueFd socket, Access access) {
  listeners_.emplace_back(*loop_, std::move(socket),
                          [this, access](sys::UniqueFd accepted) { adopt(std::move(accepted), access); });
}

void ApiServer::adopt(sys::UniqueFd socket, Access access) {
  if (access == Access::host && !options_.is_host(socket.get())) return;
  if (connections_.size() + relays_.size() >= options_.connections)
    return turn_away(*loop_, std::move(socket));
  ConnectionOwner& owner = *this;
  connections_.push_back(std::make_unique<Connection>(*loop_, owner, options_.limits, std::move(socket),
                                                      access == Access::open));
}

bool ApiServer::may_call(const wire::Request& request) const {
  return token_ && (token_->empty() || has_token(request, *token_));
}

void ApiServer::retire(Connection& connection) { bury(take(connections_, &connection)); }

void ApiServer::start_relay(loop::Relay::Side client, loop::Relay::Side target) {
  if (!relay_buffer_) relay_buffer_ = std::make_unique_for_overwrite<loop::RelayBuffer>();
  relays_.push_back(
      std::make_unique<loop::Relay>(*loop_, *relay_buffer_, std::move(client), std::move(target),
                                    [this](loop::Relay& relay) { bury(take(relays_, &relay)); }));
}

void ApiServer::bury(std::shared_ptr<void> corpse) {
  corpses_.push_back(std::move(corpse));
  burial_.arm(Duration::zero());
}

}  // namespace kestrel::control
