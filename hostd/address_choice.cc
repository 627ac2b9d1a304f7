#include "hostd/address_choice.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

std::uint32_t number_of(const IpAddress& address) {
  std::uint32_t number = 0;
  for (const std::uint8_t byte : address.used()) number = number << 8 | byte;
  return number;
}

IpAddress address_of(std::uint32_t number) {
  IpAddress address;
  for (std::size_t i = 0; i < 4; ++i) address.bytes[i] = static_cast<std::uint8_t>(number >> (24 - 8 * i));
  return address;
}

/// The addresses between the network's own and its broadcast address, less the host's.
class Usable {
 public:
  explicit Usable(const IpNetwork& own) : own_(number_of(own.address)) {
    const std::uint32_t hosts = 0xffffffffU >> own.prefix;
    network_ = own_ & ~hosts;
    broadcast_ = own_ | hosts;
  }
  [[nodiscard]] bool contains(const IpAddress& address) const {
    const std::uint32_t number = number_of(address);
    return !address.is_v6 && number > network_ && number < broadcast_ && number != own_;
  }
  /// The lowest that is not among `taken`.
  [[nodiscard]] std::optional<IpAddress> first_beside(const std::unordered_set<std::uint32_t>& taken) const {
    for (std::uint32_t number = network_ + 1; number < broadcast_; ++number) {
      if (number != own_ && !taken.contains(number)) return address_of(number);
    }
    return std::nullopt;
  }

 private:
  std::uint32_t own_;
  std::uint32_t network_;
  std::uint32_t broadcast_;
};

}  // namespace

Result<IpAddress> choose_address(const IpNetwork& own, const std::vector<KnownAddress>& known,
                                 std::string_view vm) {
  if (own.address.is_v6 || own.prefix == 0 || own.prefix > 30)
    return Error{concat("the network ", format(own), " has no addresses to give away")};
  const Usable usable(own);
  std::unordered_set<std::uint32_t> taken;
  const KnownAddress* oldest = nullptr;
  for (const KnownAddress& one : known) {
    if (!usable.contains(one.address)) continue;
    taken.insert(number_of(one.address));
    if (one.is_held) continue;
    if (one.vm == vm) return one.address;
    if (oldest == nullptr || one.given < oldest->given) oldest = &one;
  }
  const bool remembers_enough = oldest != nullptr && taken.size() >= most_remembered;
  const auto fresh = remembers_enough ? std::nullopt : usable.first_beside(taken);
  if (fresh) return *fresh;
  if (oldest != nullptr) return oldest->address;
  return Error{concat("all ", taken.size(), " addresses of the network ", format(own), " are in use")};
}

}  // namespace kestrel::hostd
