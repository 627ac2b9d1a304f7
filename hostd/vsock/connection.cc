#include "hostd/vsock/connection.h"

#include "kestrel/base/overloaded.h"

namespace kestrel::hostd::vsock {

namespace {

Halves united(Halves a, Halves b) { return {.receive = a.receive || b.receive, .send = a.send || b.send}; }

/// What the guest has to be told: a half that ended because the guest itself ended its opposite is no news.
Halves shutdown_due(const Connection::Open& open) {
  return {.receive = open.host_ended.receive && !open.told.receive && !open.guest_ended.send,
          .send = open.host_ended.send && !open.told.send && !open.guest_ended.receive};
}

}  // namespace

Connection Connection::to_guest(ConnectionId id, std::uint32_t window, MonotonicTime now) {
  return {id, window, Requested{.deadline = now + accept_timeout}};
}

Connection Connection::from_guest(const PacketHeader& request, std::uint32_t window) {
  Connection connection(connection_of(request), window, Open{.response_due = true});
  connection.guest_window_.update(request);
  return connection;
}

Connection::Reaction Connection::on_packet(const PacketHeader& header) {
  guest_window_.update(header);
  if (header.operation == Operation::reset) {
    state_ = Over{Ending::guest_reset};
    return Reaction::nothing;
  }
  const bool is_credit =
      header.operation == Operation::credit_update || header.operation == Operation::credit_request;
  return std::visit(overloaded{
                        [&](Requested&) {
                          if (header.operation == Operation::response) {
                            state_ = Open{};
                            return Reaction::opened;
                          }
                          if (!is_credit) abort();
                          return Reaction::nothing;
                        },
                        [&](Open& open) { return on_open_packet(open, header); },
                        [&](Farewell&) {
                          // Data that was under way when both halves ended, and news about credit, concern
                          // nobody.
                          if (header.operation == Operation::data) return Reaction::discard;
                          if (!is_credit) abort();
                          return Reaction::nothing;
                        },
                        [](Over&) { return Reaction::nothing; },
                    },
                    state_);
}

Connection::Reaction Connection::on_open_packet(Open& open, const PacketHeader& header) {
  if (guest_window_.free() > 0) open.credit_request = CreditRequest::none;
  switch (header.operation) {
    case Operation::data:
      if (open.guest_ended.send || !host_window_.receive(header.length)) break;
      return open.host_ended.receive ? Reaction::discard : Reaction::deliver;
    case Operation::shutdown:
      return on_shutdown(open, shutdown_halves(header.flags));
    case Operation::credit_request:
      open.credit_update_due = true;
      return Reaction::nothing;
    case Operation::credit_update:
      return Reaction::nothing;
    case Operation::invalid:
    case Operation::request:
    case Operation::response:
    case Operation::reset:
      break;
  }
  abort();
  return Reaction::nothing;
}

Connection::Reaction Connection::on_shutdown(Open& open, Halves halves) {
  open.guest_ended = united(open.guest_ended, halves);
  if (open.guest_ended.both()) state_ = Over{Ending::guest_closed};
  return Reaction::nothing;
}

void Connection::end_host(Halves halves, MonotonicTime now) {
  auto* open = std::get_if<Open>(&state_);
  if (open == nullptr) return;
  open->host_ended = united(open->host_ended, halves);
  if (open->host_ended.both()) state_ = Farewell{.deadline = now + farewell_timeout};
}

std::optional<Operation> Connection::next_control() const {
  using Next = std::optional<Operation>;
  return std::visit(
      overloaded{
          [](const Requested& requested) {
            return requested.request_due ? Next(Operation::request) : Next();
          },
          [this](const Open& open) {
            if (open.response_due) return Next(Operation::response);
            if (shutdown_due(open).any()) return Next(Operation::shutdown);
            if (open.credit_update_due || host_window_.is_worth_telling(guest_window_.size())) {
              return Next(Operation::credit_update);
            }
            const bool wants_credit = open.credit_request == CreditRequest::due;
            return wants_credit ? Next(Operation::credit_request) : Next();
          },
          [](const Farewell& farewell) { return farewell.shutdown_due ? Next(Operation::shutdown) : Next(); },
          [](const Over&) { return Next(); },
      },
      state_);
}

std::uint32_t Connection::sendable() const {
  const auto* open = std::get_if<Open>(&state_);
  if (open == nullptr || open->response_due || open->host_ended.send || open->guest_ended.receive) return 0;
  return guest_window_.free();
}

PacketHeader Connection::take_control(std::uint64_t cid) {
  const Operation operation = next_control().value_or(Operation::invalid);
  PacketHeader header = stamp(cid, operation);
  if (operation == Operation::shutdown) {
    const auto* open = std::get_if<Open>(&state_);
    header.flags =
        shutdown_flags(open != nullptr ? shutdown_due(*open) : Halves{.receive = true, .send = true});
  }
  note_sent(operation);
  return header;
}

PacketHeader Connection::take_data(std::uint64_t cid, std::uint32_t length) {
  PacketHeader header = stamp(cid, Operation::data);
  header.length = length;
  guest_window_.use(length);
  auto* open = std::get_if<Open>(&state_);
  if (open != nullptr && guest_window_.free() == 0) open->credit_request = CreditRequest::due;
  return header;
}

PacketHeader Connection::stamp(std::uint64_t cid, Operation operation) {
  PacketHeader header{.source_cid = host_cid,
                      .destination_cid = cid,
                      .source_port = id_.host_port,
                      .destination_port = id_.guest_port,
                      .operation = operation};
  host_window_.stamp(header);
  // Every packet carries the credit.
  if (auto* open = std::get_if<Open>(&state_)) open->credit_update_due = false;
  return header;
}

void Connection::note_sent(Operation operation) {
  std::visit(overloaded{
                 [](Requested& requested) { requested.request_due = false; },
                 [operation](Open& open) {
                   if (operation == Operation::response) open.response_due = false;
                   if (operation == Operation::shutdown) open.told = open.host_ended;
                   if (operation == Operation::credit_request) open.credit_request = CreditRequest::sent;
                 },
                 [](Farewell& farewell) { farewell.shutdown_due = false; },
                 [](Over&) {},
             },
             state_);
}

bool Connection::guest_closed() const {
  const auto* over = std::get_if<Over>(&state_);
  return over != nullptr && over->ending == Ending::guest_closed;
}

bool Connection::is_reset_due() const {
  const auto* over = std::get_if<Over>(&state_);
  return over != nullptr && over->ending != Ending::guest_reset;
}

Halves Connection::guest_ended() const {
  const auto* open = std::get_if<Open>(&state_);
  return open != nullptr ? open->guest_ended : Halves{};
}

Halves Connection::host_ended() const {
  const auto* open = std::get_if<Open>(&state_);
  return open != nullptr ? open->host_ended : Halves{};
}

std::optional<MonotonicTime> Connection::deadline() const {
  if (const auto* requested = std::get_if<Requested>(&state_)) return requested->deadline;
  if (const auto* farewell = std::get_if<Farewell>(&state_)) return farewell->deadline;
  return std::nullopt;
}

}  // namespace kestrel::hostd::vsock
