// The link: JSON lines in both directions over one connection that the guest opens to its host, port 1024, by
//   GET /v1/link HTTP/1.1, Upgrade: kestrel-link/1  ->  101 Switching Protocols.
//
// The guest speaks first (hello), the host answers (welcome). Then the guest sends what happens (event), what
// its processes print (log), and at the very end how it ended (exiting); the host acknowledges all of them
// cumulatively by sequence number. Events and log lines are numbered apart; a number that is skipped is told
// by a gap. A lost connection is dialled again with a new hello, and everything not yet acknowledged is sent
// again while the rings still hold it.
//
// The protocol is a number, its generation; both sides use the smaller of their newest. It only ever grows:
// fields and message types are added, unknown ones are ignored. What a generation has added is sent only
// where both have agreed on it:
//   1  hello, event, log, gap, exiting; welcome, ack, ping
//   2  a `ping` with an id is answered by `pong`; `resumed` tells the guest that it stood still, and is
//   answered
//      by a `resumed` that tells what the guest has made of it
//   3  `mounts` and `network` in the welcome
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::wire {

inline constexpr int protocol = 3;
inline constexpr int oldest_protocol = 1;
/// The first generation with `resumed`, and with pings that are answered.
inline constexpr int protocol_with_resumed = 2;
/// The first generation of guests that do as the welcome says about their devices.
inline constexpr int protocol_with_devices = 3;
/// On both sides: the host listens for the link, the guest for its API.
inline constexpr std::uint32_t vsock_port = 1024;
/// A line longer than this is a broken peer.
inline constexpr std::size_t longest_line = 256 * 1024;

// --- guest to host ---------------------------------------------------------------------------------------
/// A step of the boot and when it was reached, since the kernel started.
struct BootStep {
  std::string name;
  std::int64_t at_us = 0;
  friend bool operator==(const BootStep&, const BootStep&) = default;
};
struct Hello {
  int protocol = wire::protocol;
  int min_protocol = oldest_protocol;
  std::string version;
  std::string boot_id;
  std::string self_id;        ///< the image's name for itself; may be empty
  std::string config_digest;  ///< sha-less: FNV-1a 64 of the config file, hexadecimal; empty without a file
  std::vector<std::string> provides;
  std::vector<std::string> requires_;
  std::vector<BootStep> boot;
  friend bool operator==(const Hello&, const Hello&) = default;
};
/// One thing that happened. `type` is `service.ready`, `vm.healthy`, …; `data` holds the further members as a
/// JSON object.
struct EventMessage {
  std::uint64_t seq = 0;
  WallTime time{};
  std::int64_t mono_ms = 0;
  std::string type;
  std::string service;  ///< empty for events of the guest as a whole
  std::string data;     ///< a JSON object, `{}` where there is nothing to add
  friend bool operator==(const EventMessage&, const EventMessage&) = default;
};
struct LogMessage {
  std::uint64_t seq = 0;
  WallTime time{};
  std::string service;
  std::string stream;  ///< stdout | stderr
  std::string line;    ///< without its newline; bytes that are not UTF-8 arrive as U+FFFD
  friend bool operator==(const LogMessage&, const LogMessage&) = default;
};
/// Sequence numbers that will never come: the ring dropped them before they were sent.
struct Gap {
  enum class Of { events, logs };
  Of of = Of::logs;
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  friend bool operator==(const Gap&, const Gap&) = default;
};
/// The guest's last word; the host answers with ack {exiting: true}, then the guest powers off.
struct Exiting {
  int status = 0;
  int signal = 0;
  bool oom = false;
  std::string cause;                  ///< shutdown | batch | config | boot | service
  std::string action = "shutdown";    ///< shutdown | reboot
  std::vector<std::string> problems;  ///< for config and boot: what is wrong, a line each
  friend bool operator==(const Exiting&, const Exiting&) = default;
};
/// Of a ping with that id.
struct Pong {
  std::uint64_t id = 0;
  friend bool operator==(const Pong&, const Pong&) = default;
};
/// What the guest has done about having stood still.
struct ResumedReport {
  std::uint64_t id = 0;             ///< of the Resumed that it answers
  std::int64_t clock_error_ns = 0;  ///< the guest's clock minus the host's, before anything was done
  bool is_clock_set = false;        ///< the error was too large to be left alone
  std::int64_t took_us = 0;         ///< from the message's arrival
  friend bool operator==(const ResumedReport&, const ResumedReport&) = default;
};
using GuestMessage = std::variant<Hello, EventMessage, LogMessage, Gap, Exiting, Pong, ResumedReport>;

// --- host to guest ---------------------------------------------------------------------------------------
/// A file system on a device of the VM.
struct Mount {
  std::string source;  ///< the serial number of a disk
  std::string target;  ///< absolute path
  std::string type;
  friend bool operator==(const Mount&, const Mount&) = default;
};
/// How the guest's first network card is to be set up.
struct NetworkSettings {
  std::string address;  ///< with prefix length, `10.0.0.2/24`
  std::string gateway;
  std::vector<std::string> name_servers;
  friend bool operator==(const NetworkSettings&, const NetworkSettings&) = default;
};
struct Welcome {
  int protocol = wire::protocol;
  std::string runtime_id;
  std::string token;  ///< what callers of the guest's API must present; empty: none is needed
  std::string hostname;
  std::map<std::string, std::string> env;
  std::map<std::string, std::string>
      image_env;                           ///< which the guest's own `env_files` beat, as `env` does both
  std::int64_t time_ns = 0;                ///< the host's clock, 0 = unknown
  std::string entropy;                     ///< hexadecimal
  std::string user_data;                   ///< of cloud-init; empty: none
  std::vector<Mount> mounts;               ///< beside those of the guest's own configuration
  std::optional<NetworkSettings> network;  ///< unset: the host does not care
  friend bool operator==(const Welcome&, const Welcome&) = default;
};
struct Ack {
  std::uint64_t events = 0;  ///< all events up to here are safe with the host
  std::uint64_t logs = 0;
  bool exiting = false;
  friend bool operator==(const Ack&, const Ack&) = default;
};
struct Ping {
  std::uint64_t id = 0;  ///< 0: no answer is awaited
  friend bool operator==(const Ping&, const Ping&) = default;
};
/// The guest stood still for a while, and its world did not.
struct Resumed {
  std::uint64_t id = 0;
  std::int64_t time_ns = 0;    ///< the host's clock, 0 = unknown
  std::int64_t paused_ms = 0;  ///< how long
  std::string entropy;         ///< hexadecimal
  friend bool operator==(const Resumed&, const Resumed&) = default;
};
using HostMessage = std::variant<Welcome, Ack, Ping, Resumed>;

/// The generation that both sides speak: the smaller of the newest ones. An error where that is older than
/// the oldest one of either.
[[nodiscard]] Result<int> agree_on_protocol(int their_oldest, int their_newest);

/// One line of JSON with its newline, `{"type":"hello",…}`.
[[nodiscard]] std::string encode(const GuestMessage& message);
[[nodiscard]] std::string encode(const HostMessage& message);
/// nullopt: well-formed, but of a type this version does not know. An error: not a message at all.
[[nodiscard]] Result<std::optional<GuestMessage>> decode_guest_message(std::string_view line);
[[nodiscard]] Result<std::optional<HostMessage>> decode_host_message(std::string_view line);

/// Cuts a byte stream into lines; the reader of both ends.
class LineReader {
 public:
  explicit LineReader(std::size_t longest = longest_line) : longest_(longest) {}
  /// The complete lines, without newlines; an error when one grows beyond the limit.
  [[nodiscard]] Result<std::vector<std::string>> feed(std::string_view bytes);

 private:
  std::size_t longest_;
  std::string partial_;
};

}  // namespace kestrel::wire
