#include "kestrel/control/file_entry.h"

#include <unistd.h>

#include <climits>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/sys/user_db.h"

namespace kestrel::control {

namespace {

using Json = nlohmann::ordered_json;

std::string_view type_name(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return "file";
    case S_IFDIR:
      return "directory";
    case S_IFLNK:
      return "symlink";
    case S_IFCHR:
      return "character_device";
    case S_IFBLK:
      return "block_device";
    case S_IFIFO:
      return "fifo";
    case S_IFSOCK:
      return "socket";
    default:
      return "unknown";
  }
}

/// As chmod(1) takes it.
std::string mode_text(mode_t mode) {
  char text[8];
  std::snprintf(text, sizeof text, "%04o", static_cast<unsigned>(mode & 07777));
  return text;
}

WallTime time_of(const timespec& time) {
  return WallTime(std::chrono::duration_cast<milliseconds>(seconds(time.tv_sec) + Duration(time.tv_nsec)));
}

}  // namespace

const std::string& OwnerNames::of(std::uint32_t uid) {
  const auto known = names_.find(uid);
  if (known != names_.end()) return known->second;
  // With a group given a number without an entry is no error.
  const auto account = sys::find_account("/", concat(uid), "0");
  return names_.emplace(uid, account && account->uid == uid ? account->name : concat(uid)).first->second;
}

std::string entry_json(std::string_view name, const struct stat& status,
                       const std::optional<std::string>& target, OwnerNames& owners) {
  const Json entry = {{"name", name},
                      {"type", type_name(status.st_mode)},
                      {"size", S_ISREG(status.st_mode) ? status.st_size : 0},
                      {"mode", mode_text(status.st_mode)},
                      {"owner", owners.of(status.st_uid)},
                      {"uid", status.st_uid},
                      {"gid", status.st_gid},
                      {"mtime", format_time(time_of(status.st_mtim))},
                      {"target", target ? Json(*target) : Json(nullptr)}};
  return entry.dump(-1, ' ', true, Json::error_handler_t::replace);
}

std::optional<std::string> link_target(int folder, const char* name, const struct stat& status) {
  if (!S_ISLNK(status.st_mode)) return std::nullopt;
  std::string target(PATH_MAX, '\0');
  const ssize_t size = ::readlinkat(folder, name, target.data(), target.size());
  target.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
  return target;
}

}  // namespace kestrel::control
