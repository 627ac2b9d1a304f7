// What a valid configuration says, as plain values with every default applied.
//
// The way here: text -> raw values with positions (yaml_reader) -> this model by a table of keys (build) with
// defaults filled in (defaults) -> a list of all problems (validate, dependency_graph). Whoever holds a Model
// may rely on it: names are unique, dependencies exist and have no cycle, durations and counts are in range.
// docs/configuration.md explains the keys to users; the comments here only say what the name does not.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "kestrel/base/bytes.h"
#include "kestrel/base/time.h"

namespace kestrel::config {

/// A program and its arguments (argv[1..]).
struct Command {
  std::string program;  ///< absolute, or a name looked up in PATH when it is run
  std::vector<std::string> args;
  friend bool operator==(const Command&, const Command&) = default;
};

// --- environment -----------------------------------------------------------------------------------------
struct Literal {
  std::string value;
  friend bool operator==(const Literal&, const Literal&) = default;
};
/// `value_from: env`: the variable of the same name of the VM environment.
struct FromVmEnvironment {
  std::optional<std::string> fallback;
  friend bool operator==(const FromVmEnvironment&, const FromVmEnvironment&) = default;
};
/// `value_from: file:PATH`: the file's content without its last newline, read at each start.
struct FromFile {
  std::string path;
  std::optional<std::string> fallback;
  friend bool operator==(const FromFile&, const FromFile&) = default;
};
struct EnvironmentEntry {
  std::string name;
  std::variant<Literal, FromVmEnvironment, FromFile> source;
  friend bool operator==(const EnvironmentEntry&, const EnvironmentEntry&) = default;
};
/// `-PATH` may be missing.
struct EnvironmentFile {
  std::string path;
  bool is_optional = false;
  friend bool operator==(const EnvironmentFile&, const EnvironmentFile&) = default;
};

// --- order -----------------------------------------------------------------------------------------------
enum class Condition { started, ready, healthy, completed };

struct Dependency {
  std::uint32_t service = 0;  ///< index into Model::services
  Condition condition = Condition::ready;
  bool restart = false;  ///< stop and start again when the dependency does
  bool required = true;  ///< false: its failure lets the dependent start all the same
  friend bool operator==(const Dependency&, const Dependency&) = default;
};

enum class Kind { service, job };
/// infrastructure starts before, and stops after, everything that is normal.
enum class Tier { infrastructure, normal };

// --- life ------------------------------------------------------------------------------------------------
enum class RestartPolicy { always, on_failure, never };
enum class OnExhausted { fail, shutdown };

struct Backoff {
  Duration initial = milliseconds(100);
  double factor = 2.0;
  Duration max = seconds(30);
  double jitter = 0.1;                 ///< each delay is spread over ±this share of itself
  Duration reset_after = seconds(10);  ///< an uptime from here on forgets the failures before it
  friend bool operator==(const Backoff&, const Backoff&) = default;
};
struct Restart {
  RestartPolicy policy = RestartPolicy::always;
  Backoff backoff;
  std::uint32_t max_restarts = 0;  ///< within `window`; 0 = without limit
  Duration window = minutes(10);
  OnExhausted on_exhausted = OnExhausted::fail;
  friend bool operator==(const Restart&, const Restart&) = default;
};
struct Stop {
  int signal = 15;
  Duration timeout = seconds(10);  ///< from the signal to SIGKILL
  friend bool operator==(const Stop&, const Stop&) = default;
};

/// What the end of a process asks for, beside its restart policy.
enum class ExitAction { ignore, restart, shutdown };
struct OnExit {
  std::optional<ExitAction> success;  ///< unset: the restart policy decides
  std::optional<ExitAction> failure;
  friend bool operator==(const OnExit&, const OnExit&) = default;
};

// --- readiness -------------------------------------------------------------------------------------------
struct ReadyWhenStarted {
  friend bool operator==(const ReadyWhenStarted&, const ReadyWhenStarted&) = default;
};
struct ReadyByNotify {
  friend bool operator==(const ReadyByNotify&, const ReadyByNotify&) = default;
};
struct ReadyByFd {
  int fd = 3;
  friend bool operator==(const ReadyByFd&, const ReadyByFd&) = default;
};
struct ReadyByLog {
  std::string pattern;
  friend bool operator==(const ReadyByLog&, const ReadyByLog&) = default;
};
struct ReadyByTcp {
  std::uint16_t port = 0;
  friend bool operator==(const ReadyByTcp&, const ReadyByTcp&) = default;
};
using Readiness = std::variant<ReadyWhenStarted, ReadyByNotify, ReadyByFd, ReadyByLog, ReadyByTcp>;

// --- health ----------------------------------------------------------------------------------------------
struct HttpProbe {
  std::uint16_t port = 0;
  std::string path = "/";
  std::string host = "127.0.0.1";  ///< where to connect, and the Host header
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<std::uint16_t> expect_status;  ///< empty: 200..399
  std::string expect_body;                   ///< RE2 pattern; empty: any body
  friend bool operator==(const HttpProbe&, const HttpProbe&) = default;
};
struct TcpProbe {
  std::uint16_t port = 0;
  std::string host = "127.0.0.1";
  friend bool operator==(const TcpProbe&, const TcpProbe&) = default;
};
struct ExecProbe {
  Command command;
  std::string success_pattern;  ///< RE2 pattern over stdout and stderr; empty: the exit status alone decides
  friend bool operator==(const ExecProbe&, const ExecProbe&) = default;
};
using Probe = std::variant<HttpProbe, TcpProbe, ExecProbe>;

enum class OnUnhealthy { none, restart, shutdown };

struct Check {
  std::string name;  ///< unique within its service; `http`, `tcp` or `exec` where none is given
  Probe probe;
  Duration interval = seconds(10);  ///< from the end of one run to the start of the next
  Duration timeout = seconds(3);
  std::uint32_t failure_threshold = 3;
  std::uint32_t success_threshold = 1;
  Duration start_period = seconds(30);  ///< failures count for nothing until the first success or its end
  Duration start_interval = milliseconds(100);  ///< the interval within the start period
  OnUnhealthy on_failure = OnUnhealthy::none;
  friend bool operator==(const Check&, const Check&) = default;
};

// --- surroundings of a process ---------------------------------------------------------------------------
struct Hooks {
  std::vector<Command> pre_start;
  std::vector<Command> post_start;
  std::vector<Command> pre_stop;
  std::vector<Command> post_stop;
  std::vector<Command> on_unhealthy;
  std::vector<Command> post_resume;
  friend bool operator==(const Hooks&, const Hooks&) = default;
};
struct Limits {
  std::optional<Bytes> memory;
  std::optional<double> cpu;  ///< in cores
  std::optional<std::uint32_t> pids;
  std::optional<std::uint64_t> nofile;
  std::optional<Bytes> core;
  std::optional<int> oom_score_adj;
  std::optional<int> nice;
  friend bool operator==(const Limits&, const Limits&) = default;
};
struct Security {
  bool no_new_privileges = false;
  std::optional<std::vector<std::string>> capabilities;  ///< unset: all are kept
  friend bool operator==(const Security&, const Security&) = default;
};
enum class OnFull { drop, block };
struct Rotation {
  Bytes size = mebibytes(10);
  std::uint32_t keep = 5;
  friend bool operator==(const Rotation&, const Rotation&) = default;
};
struct Log {
  Bytes ring = kibibytes(256);
  std::optional<std::string> file;
  Rotation rotate;
  OnFull on_full = OnFull::drop;
  friend bool operator==(const Log&, const Log&) = default;
};
enum class Overlap { forbid, allow, replace };
struct Schedule {
  std::string expression;
  std::string timezone = "UTC";
  Overlap concurrency = Overlap::forbid;
  friend bool operator==(const Schedule&, const Schedule&) = default;
};
/// As written: names or numbers, looked up in /etc/passwd and /etc/group when the process is made.
struct User {
  std::string name;
  std::optional<std::string> group;
  std::vector<std::string> supplementary;
  friend bool operator==(const User&, const User&) = default;
};

struct Service {
  std::string name;
  Kind kind = Kind::service;
  Tier tier = Tier::normal;
  Command command;
  std::vector<Dependency> depends_on;
  std::string working_dir;  ///< empty: the user's home is not entered, `/` is
  std::optional<User> user;
  std::optional<std::uint32_t> umask;
  std::vector<EnvironmentEntry> environment;
  Restart restart;
  Stop stop;
  Readiness ready;
  std::optional<Duration> start_timeout;
  std::vector<Check> checks;
  Hooks hooks;
  Limits limits;
  Security security;
  OnExit on_exit;
  std::vector<int> success_exit_codes = {0};
  std::optional<Schedule> schedule;
  Log log;
  friend bool operator==(const Service&, const Service&) = default;
};

// --- the guest -------------------------------------------------------------------------------------------
struct Mount {
  std::string source;
  std::string target;
  std::string type;
  std::vector<std::string> options;
  friend bool operator==(const Mount&, const Mount&) = default;
};
enum class NetworkMode { automatic, none, fixed, dhcp };
struct Network {
  NetworkMode mode = NetworkMode::automatic;
  std::string interface;  ///< empty: the first one
  std::string address;    ///< with prefix length, `10.0.0.2/24`
  std::string gateway;
  std::vector<std::string> dns;
  friend bool operator==(const Network&, const Network&) = default;
};

struct Model {
  std::optional<std::string> hostname;
  std::vector<EnvironmentEntry> environment;  ///< for every process
  std::vector<EnvironmentFile> environment_files = {{"/etc/environment", true}};
  std::vector<Service> services;  ///< in the order of the file
  std::vector<Check> checks;      ///< the guest's own health
  Hooks hooks;
  std::vector<Mount> mounts;
  std::vector<std::string> modules;
  std::map<std::string, std::string> sysctl;
  Network network;
  Duration shutdown_timeout = seconds(30);
  friend bool operator==(const Model&, const Model&) = default;
};

}  // namespace kestrel::config
