#include "kestrel/dhcp/client.h"

#include <algorithm>
#include <utility>

#include "kestrel/base/overloaded.h"

namespace kestrel::dhcp {

namespace {

constexpr Duration first_patience = seconds(1);
/// First patience and pause are doubled up to 64 seconds (RFC 2131, section 4.1).
constexpr unsigned most_doublings = 6;
/// An offer that is not confirmed for this many requests, some seven seconds, is forgotten.
constexpr unsigned most_requests = 3;
/// While there is still time, servers are left alone for this long (section 4.4.5).
constexpr Duration shortest_patience_while_bound = seconds(60);
constexpr IpAddress everybody{{255, 255, 255, 255}, false};

Duration doubled(unsigned times) { return first_patience * (1 << std::min(times, most_doublings)); }

}  // namespace

Client::Client(MacAddress mac, std::string host_name, std::uint32_t seed)
    : mac_(mac), host_name_(std::move(host_name)), random_(seed) {}

Effects Client::start(MonotonicTime now) { return discover(now); }

Effects Client::handle_reply(MonotonicTime now, const Reply& reply) {
  return std::visit([&](auto& state) { return answered(state, now, reply); }, state_);
}

Effects Client::handle_deadline(MonotonicTime now) {
  const auto when = deadline();
  if (!when || now < *when) return {};
  return std::visit([&](auto& state) { return due(state, now); }, state_);
}

Effects Client::stop() {
  const State state = std::exchange(state_, Stopped{});
  const auto give_back = [&](const Lease& lease) -> Effects {
    const Request release{.question = Question::release,
                          .transaction = static_cast<std::uint32_t>(random_()),
                          .mac = mac_,
                          .own = lease.settings.address.address,
                          .server = lease.server};
    return {Send{release, FromAddress{lease.server}}};
  };
  return std::visit(overloaded{
                        [](const Stopped&) { return Effects(); },
                        [](const Selecting&) { return Effects(); },
                        [](const Requesting&) { return Effects(); },
                        [&](const Bound& bound) { return give_back(bound.lease); },
                        [&](const Renewing& renewing) { return give_back(renewing.held.lease); },
                        [&](const Rebinding& rebinding) { return give_back(rebinding.held.lease); },
                        [](const Pausing&) { return Effects(); },
                    },
                    state);
}

std::optional<MonotonicTime> Client::deadline() const {
  using When = std::optional<MonotonicTime>;
  return std::visit(overloaded{
                        [](const Stopped&) { return When(); },
                        [](const Selecting& state) { return When(state.exchange.repeat_at); },
                        [](const Requesting& state) { return When(state.exchange.repeat_at); },
                        [](const Bound& state) {
                          return state.lease.times ? When(state.at(&Lease::Times::renewal)) : When();
                        },
                        [](const Renewing& state) { return When(state.exchange.repeat_at); },
                        [](const Rebinding& state) { return When(state.exchange.repeat_at); },
                        [](const Pausing& state) { return When(state.until); },
                    },
                    state_);
}

Listening Client::listening() const {
  return std::visit(overloaded{
                        [](const Stopped&) { return Listening::nowhere; },
                        [](const Selecting&) { return Listening::on_the_link; },
                        [](const Requesting&) { return Listening::on_the_link; },
                        [](const Bound&) { return Listening::nowhere; },
                        [](const Renewing&) { return Listening::at_the_address; },
                        [](const Rebinding&) { return Listening::at_the_address; },
                        [](const Pausing&) { return Listening::nowhere; },
                    },
                    state_);
}

// --- answers ----------------------------------------------------------------------------------------------

Effects Client::answered(Selecting& state, MonotonicTime now, const Reply& reply) {
  if (!is_answer_to(state.exchange, reply) || reply.answer != Answer::offer) return {};
  auto offer = lease_of(reply);
  if (!offer) return {};
  // The request is part of the exchange that the offer answered, and so keeps its number.
  Exchange exchange = state.exchange;
  exchange.times = 0;
  auto& requesting = state_.emplace<Requesting>(Requesting{exchange, *std::move(offer)});
  requesting.exchange.repeat_at = now;
  return due(requesting, now);
}

Effects Client::answered(Requesting& state, MonotonicTime now, const Reply& reply) {
  if (!is_answer_to(state.exchange, reply) || reply.server != state.offer.server) return {};
  if (reply.answer == Answer::refuse) return pause(now);
  auto lease = lease_of(reply);
  if (reply.answer != Answer::acknowledge || !lease) return {};
  return hold(*std::move(lease), state.exchange.asked);
}

Effects Client::answered(Renewing& state, MonotonicTime now, const Reply& reply) {
  if (!is_answer_to(state.exchange, reply) || reply.server != state.held.lease.server) return {};
  if (reply.answer != Answer::refuse) return take_more(state.held, state.exchange, reply);
  Effects effects = pause(now);
  effects.emplace_back(GiveUpAddress{"the server does not prolong it"});
  return effects;
}

Effects Client::answered(Rebinding& state, MonotonicTime now, const Reply& reply) {
  if (!is_answer_to(state.exchange, reply)) return {};
  if (reply.answer != Answer::refuse) return take_more(state.held, state.exchange, reply);
  Effects effects = pause(now);
  effects.emplace_back(GiveUpAddress{"a server refuses it"});
  return effects;
}

Effects Client::take_more(const Bound& held, const Exchange& exchange, const Reply& reply) {
  auto lease = lease_of(reply);
  const bool is_same = lease && lease->settings.address.address == held.lease.settings.address.address;
  if (reply.answer != Answer::acknowledge || !is_same) return {};
  return hold(*std::move(lease), exchange.asked);
}

// --- deadlines --------------------------------------------------------------------------------------------

Effects Client::due(Selecting& state, MonotonicTime now) {
  const Request request = ask(Question::discover, state.exchange, now);
  repeat_soon(state.exchange, now);
  return {Send{request, ToEverybody{}}};
}

Effects Client::due(Requesting& state, MonotonicTime now) {
  if (state.exchange.times == most_requests) return discover(now);
  Request request = ask(Question::request, state.exchange, now);
  request.wanted = state.offer.settings.address.address;
  request.server = state.offer.server;
  repeat_soon(state.exchange, now);
  return {Send{request, ToEverybody{}}};
}

Effects Client::due(Bound& state, MonotonicTime now) {
  auto& renewing = state_.emplace<Renewing>(Renewing{Bound(state), new_exchange(now)});
  return due(renewing, now);
}

Effects Client::due(Renewing& state, MonotonicTime now) {
  const auto limit = state.held.at(&Lease::Times::rebinding);
  if (now < limit) return ask_for_more(state.held, state.exchange, now, state.held.lease.server, limit);
  auto& rebinding = state_.emplace<Rebinding>(Rebinding{Bound(state.held), new_exchange(now)});
  return due(rebinding, now);
}

Effects Client::due(Rebinding& state, MonotonicTime now) {
  const auto limit = state.held.at(&Lease::Times::end);
  if (now < limit) return ask_for_more(state.held, state.exchange, now, everybody, limit);
  Effects effects = {GiveUpAddress{"its time is over and no server prolonged it"}};
  for (auto& effect : discover(now)) effects.push_back(std::move(effect));
  return effects;
}

Effects Client::ask_for_more(const Bound& held, Exchange& exchange, MonotonicTime now, IpAddress whom,
                             MonotonicTime limit) {
  Request request = ask(Question::request, exchange, now);
  request.own = held.lease.settings.address.address;
  const Duration patience = std::max((limit - now) / 2, shortest_patience_while_bound);
  exchange.repeat_at = std::min(now + patience, limit);
  return {Send{request, FromAddress{whom}}};
}

// --- what several have in common --------------------------------------------------------------------------

Effects Client::discover(MonotonicTime now) {
  auto& selecting = state_.emplace<Selecting>(Selecting{new_exchange(now)});
  return due(selecting, now);
}

Effects Client::hold(Lease lease, MonotonicTime since) {
  refusals_ = 0;
  const Bound& bound = state_.emplace<Bound>(Bound{std::move(lease), since});
  return {UseAddress{bound.lease}};
}

/// A server that refuses what it has just offered is not to be asked without end.
Effects Client::pause(MonotonicTime now) {
  state_ = Pausing{now + doubled(refusals_++)};
  return {};
}

Client::Exchange Client::new_exchange(MonotonicTime now) {
  return {.number = static_cast<std::uint32_t>(random_()), .began = now};
}

Request Client::ask(Question question, Exchange& exchange, MonotonicTime now) {
  exchange.asked = now;
  ++exchange.times;
  return {.question = question,
          .transaction = exchange.number,
          .elapsed = std::chrono::duration_cast<seconds>(now - exchange.began),
          .mac = mac_,
          .host_name = host_name_};
}

/// Spread over a quarter in both directions, lest guests that boot together go on asking together.
void Client::repeat_soon(Exchange& exchange, MonotonicTime now) {
  const Duration patience = doubled(exchange.times - 1);
  const auto spread = static_cast<Duration::rep>(random_() % 1001) - 500;
  exchange.repeat_at = now + patience + patience * spread / 2000;
}

bool Client::is_answer_to(const Exchange& exchange, const Reply& reply) const {
  return reply.transaction == exchange.number && reply.mac == mac_;
}

}  // namespace kestrel::dhcp
