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
    {"memory", Support::now, into<read_bytes, &Limits::memory>},
    {"cpu", Support::now, into<read_cores, &Limits::cpu>},
    {"pids", Support::now, into<read_pids, &Limits::pids>},
    {"nofile", Support::now, into<read_nofile, &Limits::nofile>},
    {"core", Support::now, into<read_bytes, &Limits::core>},
    {"oom_score_adj", Support::now, into<read_oom_score_adj, &Limits::oom_score_adj>},
    {"nice", Support::now, into<read_nice, &Limits::nice>},
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
    {"no_new_privileges", Support::now, into<read_flag, &Security::no_new_privileges>},
    {"capabilities", Support::now, into<read_capabilities, &Security::capabilities>},
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
    {"size", Support::now, into<read_file_size, &Rotation::size>},
    {"keep", Support::now, into<read_kept_files, &Rotation::keep>},
};
constexpr auto read_rotation = read_struct<Rotation, rotation_keys>;

constexpr Key<Log> log_keys[] = {
    {"ring", Support::now, into<read_bytes, &Log::ring>},
    {"file", Support::now, into<read_absolute_path, &Log::file>},
    {"rotate", Support::now, into<read_rotation, &Log::rotate>},
    {"on_full", Support::now, into<read_on_full, &Log::on_full>},
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
