// The life of a leased address, as decisions: replies and deadlines in, messages and changes out (RFC 2131,
// section 4.4). No socket, clock or log.
//
//   Selecting ──offer──▶ Requesting ──ack──▶ Bound ──T1──▶ Renewing ──T2──▶ Rebinding ──end──▶ Selecting
//       ▲ ▲                  │  │nak           ▲   (asks the server)  (asks any server)
//       │ └──── no answer ───┘  ▼              └───────── ack ────────────┘      │nak
//       └──── a while later ── Pausing ◀─────────────────────────────────────────┘
//
// The first usable offer is taken. What a server says counts only if it repeats the number of the present
// exchange and the card's address, and if it is the server that was asked; all else is dropped without a
// word.
//
// Where this differs from the RFC: the first answer is waited for one second, not four, because a guest's
// services wait for it and its network is near. An address is not probed for other holders before it is used.
// A client that begins anew does not ask for its former address.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "kestrel/base/time.h"
#include "kestrel/dhcp/lease.h"
#include "kestrel/dhcp/message.h"

namespace kestrel::dhcp {

/// Whom a message goes to, and how.
struct ToEverybody {  ///< as one who has no address
  friend bool operator==(const ToEverybody&, const ToEverybody&) = default;
};
struct FromAddress {  ///< from the leased address, by the usual ways
  IpAddress to;
  friend bool operator==(const FromAddress&, const FromAddress&) = default;
};

// --- what is to be done
struct Send {
  Request request;
  std::variant<ToEverybody, FromAddress> way;
  friend bool operator==(const Send&, const Send&) = default;
};
/// Also when a lease was prolonged, with the settings it has now.
struct UseAddress {
  Lease lease;
  friend bool operator==(const UseAddress&, const UseAddress&) = default;
};
struct GiveUpAddress {
  std::string reason;
  friend bool operator==(const GiveUpAddress&, const GiveUpAddress&) = default;
};
using Effect = std::variant<Send, UseAddress, GiveUpAddress>;
using Effects = std::vector<Effect>;  ///< to be carried out in order

/// Where answers come in at present.
enum class Listening { nowhere, on_the_link, at_the_address };

class Client {
 public:
  /// The name is told to servers, who may make it known; it may be empty. `seed` makes the numbers of
  /// exchanges and spreads the repetitions.
  Client(MacAddress mac, std::string host_name, std::uint32_t seed);

  Effects start(MonotonicTime now);
  Effects handle_reply(MonotonicTime now, const Reply& reply);
  /// To be called when deadline() has come; before that it does nothing.
  Effects handle_deadline(MonotonicTime now);
  /// Gives the address back. Nothing is listened for any more.
  Effects stop();

  [[nodiscard]] std::optional<MonotonicTime> deadline() const;
  [[nodiscard]] Listening listening() const;

 private:
  /// A question that is repeated until it is answered.
  struct Exchange {
    std::uint32_t number = 0;
    MonotonicTime began{};
    MonotonicTime asked{};  ///< last
    MonotonicTime repeat_at{};
    unsigned times = 0;
  };
  struct Stopped {};
  struct Selecting {
    Exchange exchange;
  };
  struct Requesting {
    Exchange exchange;
    Lease offer;
  };
  struct Bound {
    Lease lease;
    MonotonicTime since{};
    [[nodiscard]] MonotonicTime at(Duration Lease::Times::*point) const {
      return since + *lease.times.*point;
    }
  };
  struct Renewing {
    Bound held;
    Exchange exchange;
  };
  struct Rebinding {
    Bound held;
    Exchange exchange;
  };
  struct Pausing {
    MonotonicTime until{};
  };
  using State = std::variant<Stopped, Selecting, Requesting, Bound, Renewing, Rebinding, Pausing>;

  // An event in each state: what it leads to.
  Effects answered(Stopped&, MonotonicTime, const Reply&) { return {}; }
  Effects answered(Selecting& state, MonotonicTime now, const Reply& reply);
  Effects answered(Requesting& state, MonotonicTime now, const Reply& reply);
  Effects answered(Bound&, MonotonicTime, const Reply&) { return {}; }
  Effects answered(Renewing& state, MonotonicTime now, const Reply& reply);
  Effects answered(Rebinding& state, MonotonicTime now, const Reply& reply);
  Effects answered(Pausing&, MonotonicTime, const Reply&) { return {}; }
  Effects due(Stopped&, MonotonicTime) { return {}; }
  Effects due(Selecting& state, MonotonicTime now);
  Effects due(Requesting& state, MonotonicTime now);
  Effects due(Bound& state, MonotonicTime now);
  Effects due(Renewing& state, MonotonicTime now);
  Effects due(Rebinding& state, MonotonicTime now);
  Effects due(Pausing&, MonotonicTime now) { return discover(now); }

  Effects discover(MonotonicTime now);
  Effects ask_for_more(const Bound& held, Exchange& exchange, MonotonicTime now, IpAddress whom,
                       MonotonicTime limit);
  Effects take_more(const Bound& held, const Exchange& exchange, const Reply& reply);
  Effects hold(Lease lease, MonotonicTime since);
  Effects pause(MonotonicTime now);
  [[nodiscard]] Exchange new_exchange(MonotonicTime now);
  [[nodiscard]] Request ask(Question question, Exchange& exchange, MonotonicTime now);
  void repeat_soon(Exchange& exchange, MonotonicTime now);
  [[nodiscard]] bool is_answer_to(const Exchange& exchange, const Reply& reply) const;

  MacAddress mac_;
  std::string host_name_;
  std::minstd_rand random_;
  unsigned refusals_ = 0;  ///< in a row, without a lease between
  State state_ = Stopped{};
};

}  // namespace kestrel::dhcp
