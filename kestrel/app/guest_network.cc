#include "kestrel/app/guest_network.h"

#include <nlohmann/json.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "kestrel/base/ip_address.h"
#include "kestrel/base/log.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/ip_parameter.h"
#include "kestrel/sys/netlink.h"
#include "kestrel/sys/network.h"

namespace kestrel::app {

namespace {

/// How long services wait for an address. By then a server has been asked four times.
constexpr Duration patience_for_lease = seconds(10);

void log_failure(const Result<void>& done) {
  if (!done) log_error(done.error().message);
}

/// What is to be done, wherever it was asked for.
struct Plan {
  enum class Address { none, given, leased };
  Address way = Address::none;
  std::string interface;  ///< empty: the first one; of an address to be leased: the first card
  IpNetwork address;
  std::optional<IpAddress> gateway;
  std::vector<IpAddress> name_servers;
  std::string host_name;
};

Plan plan_of_parameter(std::string_view text) {
  auto parameter = sys::parse_ip_parameter(text);
  if (!parameter) {
    log_error(parameter.error().message);
    return {};
  }
  Plan plan{.interface = std::move(parameter->interface),
            .address = parameter->address.value_or(IpNetwork{}),
            .gateway = parameter->gateway,
            .name_servers = std::move(parameter->name_servers),
            .host_name = std::move(parameter->hostname)};
  if (parameter->address) plan.way = Plan::Address::given;
  if (parameter->needs_autoconfiguration) plan.way = Plan::Address::leased;
  return plan;
}

/// A machine without a card has nothing to ask for, and nobody asked for it.
Plan plan_without_parameter() {
  const auto card = sys::first_network_card();
  return card ? Plan{.way = Plan::Address::leased, .interface = *card} : Plan{};
}

Plan plan_of(const config::Network& network, const sys::KernelParameters& parameters) {
  Plan plan;
  switch (network.mode) {
    case config::NetworkMode::none:
      break;
    case config::NetworkMode::automatic: {
      const auto ip = parameters.find("ip");
      plan = ip == parameters.end() ? plan_without_parameter() : plan_of_parameter(ip->second);
      break;
    }
    case config::NetworkMode::fixed:
      // The configuration was found valid, its addresses too.
      plan = {.way = Plan::Address::given,
              .interface = network.interface,
              .address = *parse_ip_network(network.address),
              .gateway = parse_ip_address(network.gateway)};
      break;
    case config::NetworkMode::dhcp:
      plan = {.way = Plan::Address::leased, .interface = network.interface};
      break;
  }
  if (!network.dns.empty()) plan.name_servers.clear();
  for (const auto& server : network.dns) plan.name_servers.push_back(*parse_ip_address(server));
  return plan;
}

Result<void> give_address(const Plan& plan) {
  const auto name = plan.interface.empty() ? sys::first_interface() : Result<std::string>(plan.interface);
  if (!name) return name.error();
  if (auto up = sys::bring_up_interface(*name); !up) return up.error();
  if (auto added = sys::add_address(*name, plan.address); !added) return added.error();
  return plan.gateway ? sys::add_default_route(*name, *plan.gateway) : Result<void>();
}

}  // namespace

GuestNetwork::GuestNetwork(loop::Loop& loop, control::EventJournal& events)
    : loop_(&loop), events_(&events) {}

void GuestNetwork::configure(const config::Network& network, const sys::KernelParameters& parameters,
                             std::function<void()> then) {
  auto plan = plan_of(network, parameters);
  if (!plan.host_name.empty() && sys::hostname().empty()) log_failure(sys::set_hostname(plan.host_name));
  if (!plan.name_servers.empty()) log_failure(sys::write_name_servers("/etc/resolv.conf", plan.name_servers));
  switch (plan.way) {
    case Plan::Address::none:
      break;
    case Plan::Address::given:
      if (auto given = give_address(plan); !given) tell_failure(given.error());
      break;
    case Plan::Address::leased:
      return lease({std::move(plan.interface), plan.name_servers.empty()}, std::move(then));
  }
  then();
}

/// Services start without it.
void GuestNetwork::tell_failure(const Error& failure) {
  log_error(failure.message);
  events_->append(sys::now(), "network.failed", {}, nlohmann::json({{"reason", failure.message}}).dump());
}

void GuestNetwork::lease(LeaseOptions options, std::function<void()> then) {
  const auto name =
      options.interface.empty() ? sys::first_network_card() : Result<std::string>(options.interface);
  if (name) options.interface = *name;
  auto leased = !name ? name.error() : LeasedAddress::open(*loop_, *events_, std::move(options), [this] {
    // Not from within: what comes next may end all this.
    loop_->post([this] { go_on(); });
  });
  if (!leased) {
    log_error("cannot configure the network by DHCP: ", leased.error().message);
    return then();
  }
  leased_ = *std::move(leased);
  then_ = std::move(then);
  patience_ = loop::Timer(*loop_, [this, name = *name] {
    log_warning("no DHCP server gives ", name, " an address: going on without, and asking on");
    events_->append(sys::now(), "network.delayed", {}, nlohmann::json({{"interface", name}}).dump());
    go_on();
  });
  patience_.arm(patience_for_lease);
}

void GuestNetwork::go_on() {
  patience_.disarm();
  if (const auto then = std::exchange(then_, nullptr)) then();
}

void GuestNetwork::end() {
  patience_.disarm();
  then_ = nullptr;
  if (leased_) leased_->give_back();
}

}  // namespace kestrel::app
