#include "kestrel/app/leased_address.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "kestrel/app/interface_settings.h"
#include "kestrel/base/host_name.h"
#include "kestrel/base/log.h"
#include "kestrel/base/overloaded.h"
#include "kestrel/dhcp/datagram.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/network.h"

namespace kestrel::app {

namespace {

using nlohmann::json;

/// Packets of one turn of the loop, so that a talkative network does not keep it.
constexpr int most_packets_a_turn = 32;

/// A name that no server could take is not told to one.
std::string told_host_name() {
  auto name = sys::hostname();
  return is_host_name(name) ? name : std::string();
}

/// Guests that boot at the same moment differ by their cards.
std::uint32_t seed_of(const MacAddress& mac) {
  auto seed = static_cast<std::uint32_t>(sys::wall_now().time_since_epoch().count());
  for (const std::uint8_t byte : mac) seed = seed * 31 + byte;
  return seed;
}

json describe(const std::string& interface, const dhcp::Lease& lease) {
  const auto& settings = lease.settings;
  json data = {
      {"interface", interface}, {"address", format(settings.address)}, {"server", format(lease.server)}};
  if (settings.router) data["gateway"] = format(*settings.router);
  for (const auto& one : settings.name_servers) data["dns"].push_back(format(one));
  if (lease.times) data["lease_ms"] = to_ms(lease.times->end);
  return data;
}

}  // namespace

Result<std::unique_ptr<LeasedAddress>> LeasedAddress::open(loop::Loop& loop, control::EventJournal& events,
                                                           LeaseOptions options,
                                                           std::function<void()> on_address) {
  const auto mac = sys::mac_address(options.interface);
  if (!mac) return mac.error();
  if (auto up = sys::bring_up_interface(options.interface); !up) return up.error();
  std::unique_ptr<LeasedAddress> leased(
      new LeasedAddress(loop, events, std::move(options), std::move(on_address), *mac));
  leased->carry_out(leased->client_.start(loop.now()));
  return leased;
}

LeasedAddress::LeasedAddress(loop::Loop& loop, control::EventJournal& events, LeaseOptions options,
                             std::function<void()> on_address, const MacAddress& mac)
    : loop_(&loop),
      events_(&events),
      options_(std::move(options)),
      on_address_(std::move(on_address)),
      client_(mac, told_host_name(), seed_of(mac)),
      deadline_(loop, [this] { carry_out(client_.handle_deadline(loop_->now())); }) {}

void LeasedAddress::give_back() { carry_out(client_.stop()); }

void LeasedAddress::carry_out(const dhcp::Effects& effects) {
  for (const auto& effect : effects) std::visit([&](const auto& one) { perform(one); }, effect);
  if (auto listening = listen(); !listening) log_warning(listening.error().message);
  if (const auto deadline = client_.deadline()) {
    deadline_.arm(*deadline);
  } else {
    deadline_.disarm();
  }
}

// --- messages ---------------------------------------------------------------------------------------------

void LeasedAddress::perform(const dhcp::Send& effect) {
  const auto message = dhcp::encode(effect.request);
  // Before the question there is somebody to hear the answer.
  auto sent = listen();
  if (sent) sent = std::visit([&](const auto& way) { return send(message, way); }, effect.way);
  std::string failure = sent ? std::string() : sent.error().message;
  if (!sent && failure != last_failure_) log_warning(failure);
  last_failure_ = std::move(failure);
}

Result<void> LeasedAddress::send(std::string_view message, const dhcp::ToEverybody&) {
  return std::get<sys::PacketSocket>(socket_).send_to_all(dhcp::encode_broadcast(message));
}

Result<void> LeasedAddress::send(std::string_view message, const dhcp::FromAddress& way) {
  const sys::UdpAddress target{way.to, dhcp::server_port};
  if (const auto* socket = std::get_if<sys::UdpSocket>(&socket_)) return socket->send(target, message);
  // The last word, to which there is no answer.
  const auto socket = open_socket(dhcp::Listening::at_the_address);
  return socket ? std::get<sys::UdpSocket>(*socket).send(target, message) : socket.error();
}

Result<LeasedAddress::Socket> LeasedAddress::open_socket(dhcp::Listening where) const {
  switch (where) {
    case dhcp::Listening::nowhere:
      break;
    case dhcp::Listening::on_the_link: {
      auto socket = sys::PacketSocket::open(options_.interface, dhcp::client_port);
      if (!socket) return socket.error();
      return Socket(*std::move(socket));
    }
    case dhcp::Listening::at_the_address: {
      const auto& own = used_ ? used_->address.address : IpAddress{};
      auto socket = sys::UdpSocket::open(options_.interface, {own, dhcp::client_port});
      if (!socket) return socket.error();
      return Socket(*std::move(socket));
    }
  }
  return Socket();
}

/// Where the client listens at present.
Result<void> LeasedAddress::listen() {
  const auto where = client_.listening();
  if (socket_.index() == static_cast<std::size_t>(where)) return {};
  watcher_ = {};
  socket_ = {};
  auto opened = open_socket(where);
  if (!opened) return opened.error();
  socket_ = *std::move(opened);
  const int fd = std::visit(overloaded{[](std::monostate) { return -1; },
                                       [](const sys::PacketSocket& socket) { return socket.fd(); },
                                       [](const sys::UdpSocket& socket) { return socket.fd(); }},
                            socket_);
  if (fd < 0) return {};
  watcher_ = loop::FdWatcher(*loop_, fd, [this](loop::Interest) { hear(); });
  watcher_.watch({.readable = true});
  return {};
}

/// What is heard may end the socket, and with it this round.
void LeasedAddress::hear() {
  for (int i = 0; i < most_packets_a_turn; ++i) {
    if (const auto* link = std::get_if<sys::PacketSocket>(&socket_)) {
      const auto packet = link->receive();
      if (!packet) return;
      const auto checksum = packet->has_checksum ? dhcp::Checksum::complete : dhcp::Checksum::left_out;
      if (const auto message = dhcp::message_in(packet->bytes, checksum)) hear(*message);
    } else if (const auto* udp = std::get_if<sys::UdpSocket>(&socket_)) {
      const auto message = udp->receive();
      if (!message) return;
      hear(*message);
    } else {
      return;
    }
  }
}

void LeasedAddress::hear(std::string_view message) {
  if (const auto reply = dhcp::parse_reply(message)) carry_out(client_.handle_reply(loop_->now(), *reply));
}

// --- the address ------------------------------------------------------------------------------------------

void LeasedAddress::perform(const dhcp::UseAddress& effect) {
  const auto& next = effect.lease.settings;
  if (used_ == next) return log_debug("the address of ", options_.interface, " is prolonged");
  set_up_interface(options_.interface, used_, next);
  const bool has_new_servers =
      !used_ || used_->name_servers != next.name_servers || used_->domain_name != next.domain_name;
  if (options_.takes_name_servers && has_new_servers) take_name_servers(next);
  used_ = next;
  log_info(options_.interface, " has the address ", format(next.address), " from ",
           format(effect.lease.server));
  tell("network.configured", describe(options_.interface, effect.lease).dump());
  on_address_();
}

void LeasedAddress::perform(const dhcp::GiveUpAddress& effect) {
  if (!used_) return;
  const auto address = format(used_->address);
  log_warning(options_.interface, " loses the address ", address, ": ", effect.reason);
  take_down_interface(options_.interface, *used_);
  used_.reset();
  tell("network.lost",
       json({{"interface", options_.interface}, {"address", address}, {"reason", effect.reason}}).dump());
}

void LeasedAddress::tell(std::string type, std::string data) {
  events_->append(sys::now(), std::move(type), {}, std::move(data));
}

}  // namespace kestrel::app
