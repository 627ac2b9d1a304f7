#include "kestrel/sys/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <unordered_set>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

/// The text up to the next space, which is taken off with it.
std::string_view take_field(std::string_view& rest) {
  const auto field = rest.substr(0, rest.find(' '));
  rest.remove_prefix(std::min(rest.size(), field.size() + 1));
  return field;
}

}  // namespace

std::optional<ProcessInfo> parse_process_stat(std::string_view line) {
  // pid (name) state parent group session …; the last parenthesis ends the name. The 46 fields behind those
  // are left alone: to stop a service without a cgroup all processes are looked through.
  const auto name = line.find(" (");
  const auto name_end = line.rfind(") ");
  if (name == std::string_view::npos || name_end == std::string_view::npos || name_end < name)
    return std::nullopt;
  auto rest = line.substr(name_end + 2);
  const auto pid = parse_integer(line.substr(0, name));
  const auto state = take_field(rest);
  const auto parent = parse_integer(take_field(rest));
  const auto group = parse_integer(take_field(rest));
  const auto session = parse_integer(take_field(rest));
  if (!pid || !parent || !group || !session) return std::nullopt;
  return ProcessInfo{static_cast<pid_t>(*pid), static_cast<pid_t>(*parent), static_cast<pid_t>(*group),
                     static_cast<pid_t>(*session), state == "Z" || state == "X"};
}

bool is_of_our_namespace(const std::string& proc) {
  char target[24];
  const ssize_t length = ::readlink(concat(proc, "/self").c_str(), target, sizeof target);
  return length > 0 && parse_integer({target, static_cast<std::size_t>(length)}) == ::getpid();
}

std::vector<ProcessInfo> list_processes(const std::string& proc) {
  std::vector<ProcessInfo> all;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(proc.c_str()), ::closedir);
  if (!folder) return all;
  while (const dirent* entry = ::readdir(folder.get())) {
    if (!parse_integer(entry->d_name)) continue;
    auto line = read_file(concat(proc, '/', std::string_view(entry->d_name), "/stat"));
    if (!line) continue;
    if (auto info = parse_process_stat(*line)) all.push_back(*info);
  }
  return all;
}

std::optional<std::vector<pid_t>> list_children(const std::string& proc) {
  const auto text = read_file(concat(proc, "/thread-self/children"));
  if (!text) return std::nullopt;
  std::vector<pid_t> children;
  for (std::string_view one : split(*text, ' ')) {
    if (const auto pid = parse_integer(one)) children.push_back(static_cast<pid_t>(*pid));
  }
  return children;
}

std::vector<ProcessInfo> descendants_of(pid_t ancestor, const std::vector<ProcessInfo>& all) {
  std::vector<ProcessInfo> found;
  std::unordered_set<pid_t> family = {ancestor};
  // /proc lists by pid, and children mostly have higher ones than their parents: one or two rounds do.
  for (bool has_grown = true; has_grown;) {
    has_grown = false;
    for (const ProcessInfo& process : all) {
      if (!family.contains(process.parent) || !family.insert(process.pid).second) continue;
      found.push_back(process);
      has_grown = true;
    }
  }
  return found;
}

bool has_environment_entry(pid_t pid, std::string_view entry, const std::string& proc) {
  auto environment = read_file(concat(proc, '/', pid, "/environ"), mebibytes(8));
  if (!environment) return false;
  const std::string_view all = *environment;
  for (auto at = all.find(entry); at != std::string_view::npos; at = all.find(entry, at + 1)) {
    const auto end = at + entry.size();
    if ((at == 0 || all[at - 1] == '\0') && (end == all.size() || all[end] == '\0')) return true;
  }
  return false;
}

}  // namespace kestrel::sys
