// The guest of a VM as its link knows it: who it is, what it has told, and whether its API can be called.
//
// What comes over the link becomes a record before it is acknowledged: events and log lines, and the last
// word as `vm.exited`. Each boot of the guest, told by its boot id, gets a token of its own, which is worth
// nothing for any other boot.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "hostd/link/link_server.h"
#include "hostd/link/recorded_boot.h"
#include "hostd/records/record_log.h"
#include "hostd/runner/runtime_dir.h"

namespace kestrel::hostd {

/// What the guest is told about itself, beside what is the boot's alone.
struct GuestIdentity {
  std::string hostname;  ///< empty: its own
  std::map<std::string, std::string> env;
  std::map<std::string, std::string> image_env;
  std::string user_data;
  std::vector<wire::Mount> mounts;
  std::optional<wire::NetworkSettings> network;
};

struct GuestSessionCallbacks {
  /// Here it is (again).
  std::function<void()> on_hello;
  /// It cannot be talked to: it speaks other protocols.
  std::function<void(std::string_view reason)> on_refused;
  /// Its API listens: it does so when it has its token, which its first event proves.
  std::function<void()> on_callable;
  std::function<void(const wire::EventMessage&)> on_event;
  std::function<void(const wire::LogMessage&)> on_log;
  std::function<void(std::uint64_t lines)> on_lost_logs;
  /// Not acknowledged by itself. Again where the guest says it again.
  std::function<void(const wire::Exiting&)> on_exiting;
  /// What it has made of having stood still.
  std::function<void(const wire::ResumedReport&)> on_resumed;
  /// The link is down. The guest dials again if it lives.
  std::function<void()> on_lost;
};

class GuestSession {
 public:
  GuestSession(loop::Loop& loop, GuestIdentity identity, GuestSessionCallbacks callbacks);

  /// Opens the records, and listens for the guest at `link_path`.
  [[nodiscard]] Result<void> open(const RuntimeDir& dir, LogLimits limits, const std::string& link_path);

  /// A call of the guest's for the link, which has arrived elsewhere.
  void take_link(sys::UniqueFd call) { link_.accept(std::move(call)); }

  /// Goes on with the boot that a runner before this one has recorded, should its guest dial: what was
  /// recorded, and perhaps never acknowledged, is not recorded again.
  void recall_boot();

  /// What the next guest that says hello is told about its network.
  void give_network(wire::NetworkSettings network) { identity_.network = std::move(network); }
  /// It is known to listen, though it has not told this runner of anything.
  void become_callable();
  /// Another boot begins: what is known of the one before is void.
  void forget_boot();
  void acknowledge_exiting() { link_.acknowledge_exiting(); }
  /// Tells the guest that it stood still. False where it cannot be told.
  [[nodiscard]] bool tell_resumed(std::uint64_t id, Duration paused);
  /// An event of the runner's own; `data` is a JSON object.
  void record_host_event(std::string_view type, std::string_view data);

  [[nodiscard]] bool is_linked() const { return link_.is_linked(); }
  [[nodiscard]] bool is_callable() const { return is_callable_; }
  /// What callers of this boot's API present.
  [[nodiscard]] const std::string& token() const { return token_; }
  /// The same for who comes from outside, as long as the guest is there.
  [[nodiscard]] std::optional<std::string> token_for_callers() const;
  [[nodiscard]] const std::optional<wire::Hello>& hello() const { return hello_; }
  /// What the two agreed on; 0 before the first hello.
  [[nodiscard]] int protocol() const { return protocol_; }
  /// Of this runner's life, and of the numbers in its records.
  [[nodiscard]] const std::string& runtime_id() const { return runtime_id_; }
  [[nodiscard]] RecordLog& logs() { return logs_; }
  [[nodiscard]] RecordLog& events() { return events_; }

 private:
  [[nodiscard]] LinkCallbacks link_callbacks();
  [[nodiscard]] Result<wire::Welcome> greet(const wire::Hello& hello);
  void take_event(const wire::EventMessage& event);
  void take_gap(const wire::Gap& gap);
  void take_exiting(const wire::Exiting& word);
  void link_lost(std::string_view reason);
  void record(RecordLog& log, std::string_view members);

  GuestIdentity identity_;
  GuestSessionCallbacks callbacks_;
  std::string runtime_id_;
  RecordLog events_;
  RecordLog logs_;
  bool is_losing_records_ = false;

  RecordedBoot recorded_;  ///< by a runner before this one

  // Of this boot.
  std::optional<wire::Hello> hello_;
  int protocol_ = 0;
  std::string token_;
  bool is_callable_ = false;
  bool has_said_last_word_ = false;
  std::uint64_t first_log_ = 0;

  LinkServer link_;
};

}  // namespace kestrel::hostd
