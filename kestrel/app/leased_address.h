// An interface whose address is leased: brings the DHCP client (dhcp/client.h) its answers and deadlines, and
// carries out what it decides. Every change is an event of the guest, and a line in the log.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "kestrel/control/journal.h"
#include "kestrel/dhcp/client.h"
#include "kestrel/loop/fd_watcher.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/timer.h"
#include "kestrel/sys/packet_socket.h"
#include "kestrel/sys/udp_socket.h"

namespace kestrel::app {

struct LeaseOptions {
  std::string interface;
  bool takes_name_servers = true;  ///< false: those in /etc/resolv.conf are the user's own
};

class LeasedAddress {
 public:
  /// Brings the interface up and begins to ask. `on_address` is called from the loop when there is an
  /// address, and at each later change. `events` must outlive it.
  [[nodiscard]] static Result<std::unique_ptr<LeasedAddress>> open(loop::Loop& loop,
                                                                   control::EventJournal& events,
                                                                   LeaseOptions options,
                                                                   std::function<void()> on_address);
  LeasedAddress(const LeasedAddress&) = delete;
  LeasedAddress& operator=(const LeasedAddress&) = delete;

  /// Tells the server that the address is free, as far as it hears. The interface keeps it.
  void give_back();

 private:
  LeasedAddress(loop::Loop& loop, control::EventJournal& events, LeaseOptions options,
                std::function<void()> on_address, const MacAddress& mac);

  /// In the order of dhcp::Listening.
  using Socket = std::variant<std::monostate, sys::PacketSocket, sys::UdpSocket>;

  void carry_out(const dhcp::Effects& effects);
  void perform(const dhcp::Send& effect);
  void perform(const dhcp::UseAddress& effect);
  void perform(const dhcp::GiveUpAddress& effect);
  [[nodiscard]] Result<void> send(std::string_view message, const dhcp::ToEverybody& way);
  [[nodiscard]] Result<void> send(std::string_view message, const dhcp::FromAddress& way);
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] Result<Socket> open_socket(dhcp::Listening where) const;
  void hear();
  void hear(std::string_view message);
  void tell(std::string type, std::string data);

  loop::Loop* loop_;
  control::EventJournal* events_;
  LeaseOptions options_;
  std::function<void()> on_address_;
  dhcp::Client client_;
  std::optional<dhcp::Settings> used_;  ///< what the interface is set up with
  std::string last_failure_;            ///< to send; told once
  Socket socket_;
  loop::FdWatcher watcher_;  ///< of the socket; ends before it
  loop::Timer deadline_;
};

}  // namespace kestrel::app
