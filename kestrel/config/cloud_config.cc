#include "kestrel/config/cloud_config.h"

#include <algorithm>

#include "kestrel/base/base64.h"
#include "kestrel/base/host_name.h"
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"
#include "kestrel/config/yaml_reader.h"

namespace kestrel::config {
namespace {

constexpr std::string_view first_line = "#cloud-config";
/// RFC 1035, 2.3.4, without the length bytes of the first label and of the root.
constexpr std::size_t longest_domain_name = 253;

bool is_cloud_config(std::string_view text) {
  if (!text.starts_with(first_line)) return false;
  const std::string_view rest = text.substr(first_line.size());
  return rest.empty() || std::string_view(" \t\r\n").find(rest.front()) != std::string_view::npos;
}

// --- files -------------------------------------------------------------------------------------------------
enum class Encoding { plain, base64 };
constexpr Choice<Encoding> encodings[] = {
    {"text/plain", Encoding::plain},
    {"b64", Encoding::base64},
    {"base64", Encoding::base64},
};

struct FileDraft {
  WrittenFile file;
  Placed<std::string> content;
  Encoding encoding = Encoding::plain;
};

std::optional<Encoding> read_encoding(Context& context, const Raw& raw) {
  const auto* scalar = std::get_if<RawScalar>(&raw.value);
  if (!scalar || !scalar->text.starts_with("gz")) return read_choice<encodings>(context, raw);
  context.report(raw.at, concat("'encoding' ", printable(scalar->text),
                                " is not supported: give the content as it is, or in base64"));
  return std::nullopt;
}

std::optional<User> read_owner(Context& context, const Raw& raw) {
  const auto text = read_text(context, raw);
  if (!text) return std::nullopt;
  const auto colon = text->find(':');
  User owner{.name = text->substr(0, colon), .group = {}, .supplementary = {}};
  if (colon != std::string::npos) owner.group = text->substr(colon + 1);
  if (!owner.name.empty() && owner.group != "") return owner;
  context.report_expected(raw, "USER or USER:GROUP");
  return std::nullopt;
}

void read_defer(Context& context, const RawEntry& entry, FileDraft&) {
  if (read_flag(context, *entry.value).value_or(false))
    context.warn(entry.at, "'defer' does nothing: all files are written before the first command");
}

constexpr Key<FileDraft> file_keys[] = {
    {"path", into<read_absolute_path, &FileDraft::file, &WrittenFile::path>},
    {"content", placed_into<read_text, &FileDraft::content>},
    {"encoding", into<read_encoding, &FileDraft::encoding>},
    {"permissions", into<read_permissions, &FileDraft::file, &WrittenFile::permissions>},
    {"owner", into<read_owner, &FileDraft::file, &WrittenFile::owner>},
    {"append", into<read_flag, &FileDraft::file, &WrittenFile::is_appended>},
    {"defer", read_defer},
};

std::optional<WrittenFile> read_file(Context& context, const Raw& raw) {
  auto draft = read_struct<FileDraft, file_keys>(context, raw);
  if (!draft) return std::nullopt;
  // A misspelt one is only warned about, so that it is missing has to be said, too.
  const auto& entries = std::get<RawMap>(raw.value);
  const auto is_path = [](const RawEntry& entry) { return entry.key == "path"; };
  if (std::none_of(entries.begin(), entries.end(), is_path)) context.report(raw.at, "missing key 'path'");
  draft->file.content = std::move(draft->content.value);
  if (draft->encoding == Encoding::base64) {
    auto decoded = decode_base64(draft->file.content);
    if (!decoded) context.report(draft->content.at, "'content' is not base64, as its 'encoding' says");
    draft->file.content = std::move(decoded).value_or("");
  }
  return std::move(draft->file);
}

// --- commands ----------------------------------------------------------------------------------------------
std::optional<Command> read_command(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawScalar>(raw.value)) {
    auto line = read_word(context, raw);
    if (!line) return std::nullopt;
    return Command{"/bin/sh", {"-c", *std::move(line)}};
  }
  const auto* words = std::get_if<RawList>(&raw.value);
  if (!words) {
    context.report_expected(raw, "lines for the shell, or lists of a program and its arguments");
    return std::nullopt;
  }
  if (words->empty()) {
    context.report(raw.at, concat(quoted(context.key), " has a command without a program"));
    return std::nullopt;
  }
  auto program = read_word(context, *words->front());
  Command command;
  for (std::size_t i = 1; i < words->size(); ++i) {
    if (auto word = read_text(context, *(*words)[i])) command.args.push_back(*std::move(word));
  }
  if (!program) return std::nullopt;
  command.program = *std::move(program);
  return command;
}

// --- the whole ---------------------------------------------------------------------------------------------
struct Draft {
  CloudConfig cloud;
  std::optional<std::string> domain_name;
};

std::optional<std::string> read_domain_name(Context& context, const Raw& raw) {
  auto name = read_text(context, raw);
  if (!name || is_host_name(*name, longest_domain_name)) return name;
  context.report_expected(raw, "a domain name");
  return std::nullopt;
}

constexpr auto read_files = read_list<read_file>;
constexpr auto read_commands = read_list<read_command>;

constexpr Key<Draft> cloud_keys[] = {
    {"hostname", into<read_hostname, &Draft::cloud, &CloudConfig::hostname>},
    {"fqdn", into<read_domain_name, &Draft::domain_name>},
    {"write_files", into<read_files, &Draft::cloud, &CloudConfig::files>},
    {"bootcmd", into<read_commands, &Draft::cloud, &CloudConfig::boot_commands>},
    {"runcmd", into<read_commands, &Draft::cloud, &CloudConfig::run_commands>},
};

}  // namespace

LoadedCloudConfig load_cloud_config(std::string_view text) {
  if (text.empty()) return CloudConfig{};
  if (!is_cloud_config(text))
    return Problems{{1, 1, concat("user-data of another kind: the first line is not ", first_line)}};
  Problems problems;
  Draft draft;
  const auto tree = read_yaml(text, problems);
  if (tree && !std::holds_alternative<RawNothing>(tree->root->value)) {
    Context context(problems, draft.cloud.warnings);
    read_map<Draft>(context, *tree->root, cloud_keys, draft);
  }
  if (!problems.empty()) {
    put_in_order(problems);
    return problems;
  }
  put_in_order(draft.cloud.warnings);
  const auto& domain_name = draft.domain_name;
  if (domain_name && !draft.cloud.hostname)
    draft.cloud.hostname = domain_name->substr(0, domain_name->find('.'));
  return std::move(draft.cloud);
}

void add_commands(const CloudConfig& cloud, Hooks& hooks) {
  const auto& boot = cloud.boot_commands;
  hooks.pre_start.insert(hooks.pre_start.begin(), boot.begin(), boot.end());
  const auto& run = cloud.run_commands;
  hooks.post_start.insert(hooks.post_start.end(), run.begin(), run.end());
}

}  // namespace kestrel::config
