// What a root filesystem lacks: missing_in_root() of load.h.
//
// The root is looked at from outside, so symbolic links are followed by hand: an absolute target starts at
// the root again, and `..` never leads out of it.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdio>
#include <memory>
#include <unordered_set>

#include "kestrel/base/default_path.h"
#include "kestrel/base/text.h"
#include "kestrel/config/load.h"

namespace kestrel::config {
namespace {

constexpr int max_links = 40;  // as in the kernel (path_resolution(7))

/// Where `path`, absolute within the root, leads to on this machine; nullopt if a part of it is missing.
std::optional<std::string> resolve(const std::string& root, std::string_view path) {
  std::vector<std::string> rest;  // of the path, last part first
  const auto push = [&](std::string_view text) {
    const auto parts = split(text, '/');
    for (auto part = parts.rbegin(); part != parts.rend(); ++part) rest.emplace_back(*part);
  };
  push(path);
  std::vector<std::string> resolved;
  const auto on_machine = [&] { return concat(root, '/', join(resolved, "/")); };
  int links = 0;
  while (!rest.empty()) {
    const std::string part = std::move(rest.back());
    rest.pop_back();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      if (!resolved.empty()) resolved.pop_back();
      continue;
    }
    resolved.push_back(part);
    struct stat status {};
    if (lstat(on_machine().c_str(), &status) != 0) return std::nullopt;
    if (!S_ISLNK(status.st_mode)) continue;
    char target[PATH_MAX];
    const ssize_t length = readlink(on_machine().c_str(), target, sizeof target);
    if (length <= 0 || ++links > max_links) return std::nullopt;
    resolved.pop_back();
    if (target[0] == '/') resolved.clear();
    push({target, static_cast<std::size_t>(length)});
  }
  return on_machine();
}

/// nullopt if `path` can be executed, else what is wrong with it.
std::optional<std::string_view> reason_not_executable(const std::string& root, std::string_view path) {
  const auto file = resolve(root, path);
  struct stat status {};
  if (!file || stat(file->c_str(), &status) != 0) return "it does not exist";
  if (!S_ISREG(status.st_mode)) return "it is not a file";
  if ((status.st_mode & 0111) == 0) return "it is not executable";
  return std::nullopt;
}

/// The names in the first field of a file such as /etc/passwd; none if there is no such file.
std::unordered_set<std::string> names_in(const std::string& root, std::string_view path) {
  std::unordered_set<std::string> names;
  const auto file = resolve(root, path);
  if (!file) return names;
  struct Close {
    void operator()(std::FILE* stream) const { std::fclose(stream); }
  };
  const std::unique_ptr<std::FILE, Close> stream(std::fopen(file->c_str(), "re"));
  char line[4096];
  while (stream && std::fgets(line, sizeof line, stream.get())) names.emplace(split(line, ':').front());
  return names;
}

/// The PATH in `environment`, if it is written there.
std::optional<std::string> path_in(const std::vector<EnvironmentEntry>& environment) {
  for (const EnvironmentEntry& entry : environment) {
    const auto* literal = std::get_if<Literal>(&entry.source);
    if (entry.name == "PATH" && literal) return literal->value;
  }
  return std::nullopt;
}

class RootCheck {
 public:
  RootCheck(const Model& model, std::string root)
      : model_(model),
        root_(std::move(root)),
        users_(names_in(root_, "/etc/passwd")),
        groups_(names_in(root_, "/etc/group")),
        guest_path_(path_in(model.environment).value_or(std::string(default_path))) {}

  std::vector<std::string> run() {
    for (const Command& hook : model_.hooks.pre_start) check_program("hook pre_start", hook, guest_path_);
    check_probes("health", model_.checks, guest_path_);
    for (const Service& service : model_.services) {
      const std::string owner = concat("service '", service.name, '\'');
      const std::string path = path_in(service.environment).value_or(guest_path_);
      check_program(owner, service.command, path);
      check_probes(concat(owner, " health"), service.checks, path);
      if (service.user) check_user(owner, *service.user);
      if (service.schedule) check_time_zone(owner, service.schedule->timezone);
    }
    return std::move(missing_);
  }

 private:
  void check_program(std::string_view owner, const Command& command, std::string_view path) {
    if (command.program.starts_with('/')) {
      const auto reason = reason_not_executable(root_, command.program);
      if (reason) missing_.push_back(concat(owner, ": cannot run ", command.program, ": ", *reason));
      return;
    }
    const auto folders = split(path, ':');
    const bool is_found = std::any_of(folders.begin(), folders.end(), [&](std::string_view folder) {
      return !reason_not_executable(root_, concat(folder, '/', command.program));
    });
    if (!is_found)
      missing_.push_back(
          concat(owner, ": cannot run ", command.program, ": it is in no folder of PATH (", path, ')'));
  }

  void check_probes(std::string_view owner, const std::vector<Check>& checks, std::string_view path) {
    for (const Check& check : checks) {
      if (const auto* probe = std::get_if<ExecProbe>(&check.probe))
        check_program(owner, probe->command, path);
    }
  }

  void check_user(std::string_view owner, const User& user) {
    if (!parse_integer(user.name) && !users_.contains(user.name)) {
      missing_.push_back(concat(owner, ": no user '", user.name, "' in /etc/passwd"));
    }
    if (user.group) check_group(owner, *user.group);
    for (const std::string& group : user.supplementary) check_group(owner, group);
  }

  void check_group(std::string_view owner, const std::string& group) {
    if (parse_integer(group) || groups_.contains(group)) return;
    missing_.push_back(concat(owner, ": no group '", group, "' in /etc/group"));
  }

  void check_time_zone(std::string_view owner, std::string_view name) {
    if (name == "UTC" || resolve(root_, concat("/usr/share/zoneinfo/", name))) return;
    missing_.push_back(
        concat(owner, ": no time zone '", name, "' in /usr/share/zoneinfo; the package tzdata has them"));
  }

  const Model& model_;
  std::string root_;
  std::unordered_set<std::string> users_;
  std::unordered_set<std::string> groups_;
  std::string guest_path_;
  std::vector<std::string> missing_;
};

}  // namespace

std::vector<std::string> missing_in_root(const Model& model, const std::string& root) {
  return RootCheck(model, root).run();
}

}  // namespace kestrel::config
