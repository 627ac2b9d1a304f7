// What a process may use and do, and where its output goes.
#include "kestrel/base/capability.h"
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

// The kernel refuses a quota of less than one of the hundred milliseconds of its period (cgroup v2, cpu.max).
constexpr double least_cores = 0.01;

std::optional<double> read_cores(Context& context, const Raw& raw) {
  const auto cores = read_fraction(context, raw, 0, 1024);
  if (!cores || *cores >= least_cores) return cores;
  context.report_expected(raw, "at least 0.01 of a processor");
  return std::nullopt;
}

// Ranges: getrlimit(2), proc(5) on oom_score_adj, setpriority(2).
constexpr auto read_pids = read_number<std::uint32_t, 1, 4'194'304>;
constexpr auto read_nofile = read_number<std::uint64_t, 3, 1'073'741'816>;
constexpr auto read_oom_score_adj = read_number<int, -1000, 1000>;
constexpr auto read_nice = read_number<int, -20, 19>;

constexpr Key<Limits> limit_keys[] = {
    {"memory", into<read_bytes, &Limits::memory>,
     "of all its processes together; beyond it the kernel kills them all, and the cause of the exit is "
     "`oom`"},
    {"cpu", into<read_cores, &Limits::cpu>,
     "processors' worth of time for all its processes together: `0.5` is half of one; at least 0.01"},
    {"pids", into<read_pids, &Limits::pids>, "its processes and threads, all together; more cannot be made"},
    {"nofile", into<read_nofile, &Limits::nofile>, "open files of each process"},
    {"core", into<read_bytes, &Limits::core>, "the size of a core file; `0`: none is written"},
    {"oom_score_adj", into<read_oom_score_adj, &Limits::oom_score_adj>,
     "whom the kernel kills first when the guest's memory runs out: the higher"},
    {"nice", into<read_nice, &Limits::nice>, "the lower, the more of the processors' time"},
};

std::optional<std::string> read_capability(Context& context, const Raw& raw) {
  auto name = read_word(context, raw);
  if (!name || parse_capability(*name)) return name;
  const auto meant = nearest_capability(*name);
  context.report(raw.at, concat("no capability is named ", quoted(*name),
                                meant ? concat("; did you mean '", *meant, "'?") : ""));
  return std::nullopt;
}
constexpr auto read_capabilities = read_list<read_capability>;

constexpr Key<Security> security_keys[] = {
    {"no_new_privileges", into<read_flag, &Security::no_new_privileges>,
     "programs it executes gain nothing from set-user-ID bits or file capabilities", "false"},
    {"capabilities", into<read_capabilities, &Security::capabilities>,
     "all that it keeps, whoever its `user` is, as `net_bind_service` or `CAP_NET_BIND_SERVICE`; `[]`: none"},
};

constexpr Choice<OnFull> on_full_choices[] = {{"drop", OnFull::drop}, {"block", OnFull::block}};
constexpr auto read_on_full = read_choice<on_full_choices>;

// Smaller files would be renamed more often than written; each rotation renames all that are kept.
std::optional<Bytes> read_file_size(Context& context, const Raw& raw) {
  const auto size = read_bytes(context, raw);
  if (!size || *size >= kibibytes(4)) return size;
  context.report_expected(raw, "at least 4K");
  return std::nullopt;
}
constexpr auto read_kept_files = read_number<std::uint32_t, 0, 1000>;

constexpr Key<Rotation> rotation_keys[] = {
    {"size", into<read_file_size, &Rotation::size>,
     "a file that would grow beyond it becomes `FILE.1`, `FILE.1` becomes `FILE.2`, …; at least `4K`", "10M"},
    {"keep", into<read_kept_files, &Rotation::keep>,
     "how many of those there are; `0`: a full file begins anew", "5"},
};
constexpr auto read_rotation = read_struct<Rotation, rotation_keys>;

constexpr Key<Log> log_keys[] = {
    {"ring", into<read_bytes, &Log::ring>,
     "memory for its last lines; only what is used is taken, and all rings together have 16 MiB at most",
     "256K"},
    {"file", into<read_absolute_path, &Log::file>,
     "a file of the guest that its lines are appended to as well"},
    {"rotate", into<read_rotation, &Log::rotate>, "when the file is renamed"},
    {"on_full", into<read_on_full, &Log::on_full>,
     "when it prints more than the ring holds: drop the oldest lines, or let it wait", "drop"},
};

}  // namespace

std::optional<Limits> read_limits(Context& context, const Raw& raw) {
  return read_struct<Limits, limit_keys>(context, raw);
}
std::optional<Security> read_security(Context& context, const Raw& raw) {
  return read_struct<Security, security_keys>(context, raw);
}
std::optional<Log> read_log(Context& context, const Raw& raw) {
  return read_struct<Log, log_keys>(context, raw);
}

}  // namespace kestrel::config
