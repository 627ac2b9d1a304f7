#include "kestrel/sys/process_tree.h"

#include <dirent.h>
#include <unistd.h>

#include <memory>
#include <unordered_set>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

std::optional<ProcessInfo> parse_process_stat(std::string_view line) {
  // pid (name) state parent group session …; the last parenthesis ends the name.
  const auto name = line.find(" (");
  const auto name_end = line.rfind(") ");
  if (name == std::string_view::npos || name_end == std::string_view::npos || name_end < name)
    return std::nullopt;
  const auto fields = split(line.substr(name_end + 2), ' ');
  if (fields.size() < 4) return std::nullopt;
  const auto pid = parse_integer(line.substr(0, name));
  const auto parent = parse_integer(fields[1]);
  const auto group = parse_integer(fields[2]);
  const auto session = parse_integer(fields[3]);
  if (!pid || !parent || !group || !session) return std::nullopt;
  return ProcessInfo{static_cast<pid_t>(*pid), static_cast<pid_t>(*parent), static_cast<pid_t>(*group),
                     static_cast<pid_t>(*session), fields[0] == "Z" || fields[0] == "X"};
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
  for (std::string_view candidate : split(*environment, '\0')) {
    if (candidate == entry) return true;
  }
  return false;
}

}  // namespace kestrel::sys
