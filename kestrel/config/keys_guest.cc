// The top of the file, and what concerns the guest as a whole.
#include "kestrel/base/host_name.h"
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

constexpr std::int64_t format_version = 1;

void read_version(Context& context, const RawEntry& entry, ModelDraft&) {
  const auto version = read_integer(context, *entry.value, 0, 1'000'000);
  if (version && *version != format_version) {
    context.report(entry.value->at, concat("version ", *version, " is not known; this kestrel reads version ",
                                           format_version));
  }
}

/// Parts between dots or slashes, as sysctl(8) has them, none of which leads upwards.
bool is_sysctl_name(std::string_view name) {
  bool is_part_empty = true;
  for (const char c : name) {
    const bool is_separator = c == '.' || c == '/';
    if (is_separator && is_part_empty) return false;
    if (c <= ' ' || c == 0x7f) return false;
    is_part_empty = is_separator;
  }
  return !is_part_empty && name.find_first_of("./") != std::string_view::npos;
}

void read_exec(Context& context, const RawEntry& entry, ModelDraft& target) {
  target.exec_at = entry.at;
  if (auto services = read_list<read_service>(context, *entry.value)) target.services = *std::move(services);
}

constexpr auto read_environment_files = read_list<read_environment_file>;
constexpr auto read_words = read_list<read_word>;
constexpr auto read_mounts = read_list<read_mount>;

struct ShutdownDraft {
  Duration timeout = Model{}.shutdown_timeout;
};
constexpr Key<ShutdownDraft> shutdown_keys[] = {
    {"timeout", into<read_duration, &ShutdownDraft::timeout>,
     "for the whole orderly stop; then the rest is killed", "30s"},
};

void read_shutdown(Context& context, const RawEntry& entry, ModelDraft& target) {
  ShutdownDraft draft;
  read_map<ShutdownDraft>(context, *entry.value, shutdown_keys, draft);
  target.model.shutdown_timeout = draft.timeout;
}

using Draft = ModelDraft;
constexpr Key<Draft> model_keys[] = {
    {"version", read_version, "of this format; 1 is the only one", "1"},
    {"hostname", into<read_hostname, &Draft::model, &Model::hostname>,
     "at most 64 characters; a name that the host gives beats it"},
    {"env", into<read_environment, &Draft::model, &Model::environment>, "variables of every process"},
    {"env_files", into<read_environment_files, &Draft::model, &Model::environment_files>,
     "absolute paths of files with `NAME=VALUE` lines; a leading `-`: may be missing",
     "['-/etc/environment']"},
    {"exec", read_exec, "services and jobs, at least one"},
    {"health", into<read_checks, &Draft::checks>, "the guest's own health"},
    {"hooks", into<read_guest_hooks, &Draft::model, &Model::hooks>,
     "programs that run at moments of the life of the guest"},
    {"mounts", into<read_mounts, &Draft::model, &Model::mounts>,
     "file systems to mount before the first service"},
    {"modules", into<read_words, &Draft::model, &Model::modules>, "kernel modules to load, by name"},
    {"sysctl", into<read_sysctl, &Draft::model, &Model::sysctl>,
     "kernel parameters to set, such as `net.core.somaxconn: 4096`"},
    {"network", into<read_network, &Draft::model, &Model::network>, "the network of the guest"},
    {"shutdown", read_shutdown, "the end of the guest"},
};

constexpr Key<Mount> mount_keys[] = {
    {"source", into<read_word, &Mount::source>,
     "a device below `/dev/`; the name of a volume (a disk's serial number); `LABEL=` and a file "
     "system's label (ext4, erofs); what to bind; else as the type has it"},
    {"target", into<read_absolute_path, &Mount::target>, "where; it is made if it is missing"},
    {"type", into<read_word, &Mount::type>,
     "`ext4`, `tmpfs`, `virtiofs`, `bind`…; for a device whichever the kernel recognises on it, unless "
     "given"},
    {"options", into<read_words, &Mount::options>,
     "as in fstab(5): `ro`, `noatime`, `size=64M`, `bind`, `rbind`…; `nofail`: a failure is only logged"},
};

}  // namespace

std::optional<std::string> read_hostname(Context& context, const Raw& raw) {
  auto name = read_text(context, raw);
  if (!name || is_host_name(*name)) return name;
  context.report_expected(raw, "a host name of letters, digits, '-' and '.', at most 64 characters");
  return std::nullopt;
}

void read_model(Context& context, const Raw& raw, ModelDraft& draft) {
  read_map<ModelDraft>(context, raw, model_keys, draft);
}

std::optional<Mount> read_mount(Context& context, const Raw& raw) {
  require_key(context, raw, "source");
  require_key(context, raw, "target");
  return read_struct<Mount, mount_keys>(context, raw);
}

/// Not where it leads: that is the kernel's to know.
std::optional<std::map<std::string, std::string>> read_sysctl(Context& context, const Raw& raw) {
  const RawMap* map = expect_map(context, raw);
  if (!map) return std::nullopt;
  std::map<std::string, std::string> values;
  for (const RawEntry& entry : *map) {
    if (!is_sysctl_name(entry.key)) {
      context.report(entry.at, concat(quoted(entry.key), " is no sysctl; they are named like vm.swappiness"));
      continue;
    }
    context.key = entry.key;
    if (auto value = read_text(context, *entry.value)) values.emplace(entry.key, *std::move(value));
  }
  return values;
}

}  // namespace kestrel::config
