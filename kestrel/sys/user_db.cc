#include "kestrel/sys/user_db.h"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

constexpr Bytes longest_table = mebibytes(4);

struct GroupEntry {
  std::string_view name;
  std::uint32_t gid;
  std::string_view members;
};

/// The largest number of 32 bits stands for "no id" in the system calls that take one.
std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = parse_integer(text);
  if (!number || *number < 0 || *number >= std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// One line of passwd(5): name:password:uid:gid:comment:home:shell. The groups are not in it.
std::optional<Account> parse_user(std::string_view line) {
  const auto fields = split(line, ':');
  if (fields.size() != 7 || fields[0].empty()) return std::nullopt;
  const auto uid = parse_id(fields[2]);
  const auto gid = parse_id(fields[3]);
  if (!uid || !gid) return std::nullopt;
  return Account{std::string(fields[0]), *uid, *gid, {}, std::string(fields[5]), std::string(fields[6])};
}

/// One line of group(5): name:password:gid:member,member.
std::optional<GroupEntry> parse_group(std::string_view line) {
  const auto fields = split(line, ':');
  if (fields.size() != 4 || fields[0].empty()) return std::nullopt;
  const auto gid = parse_id(fields[2]);
  if (!gid) return std::nullopt;
  return GroupEntry{fields[0], *gid, fields[3]};
}

std::string path_below(const std::string& root, std::string_view path) {
  return root == "/" ? std::string(path) : concat(root, path);
}

/// A root without the file has no entries; lines that are none are passed over, as libc does.
Result<std::string> read_table(const std::string& root, std::string_view path) {
  auto text = read_file(path_below(root, path), longest_table);
  if (!text && text.error().code == ENOENT) return std::string();
  return text;
}

std::optional<Account> find_user(std::string_view passwd, std::string_view user) {
  const auto number = parse_id(user);
  std::optional<Account> by_number;
  for (std::string_view line : split(passwd, '\n')) {
    auto entry = parse_user(line);
    if (!entry) continue;
    if (entry->name == user) return entry;
    if (!by_number && number == entry->uid) by_number = std::move(entry);
  }
  return by_number;
}

std::vector<std::uint32_t> supplementary_groups(std::string_view table, const Account& account) {
  std::vector<std::uint32_t> gids;
  for (std::string_view line : split(table, '\n')) {
    const auto entry = parse_group(line);
    if (!entry || entry->gid == account.gid) continue;
    const auto members = split(entry->members, ',');
    if (std::find(members.begin(), members.end(), account.name) == members.end()) continue;
    if (std::find(gids.begin(), gids.end(), entry->gid) == gids.end()) gids.push_back(entry->gid);
  }
  return gids;
}

}  // namespace

Result<std::uint32_t> find_group(const std::string& root, std::string_view group) {
  auto table = read_table(root, "/etc/group");
  if (!table) return table.error();
  for (std::string_view line : split(*table, '\n')) {
    const auto entry = parse_group(line);
    if (entry && entry->name == group) return entry->gid;
  }
  if (const auto number = parse_id(group)) return *number;
  return Error{concat("cannot find group ", group, ": not in /etc/group"), ENOENT};
}

Result<Account> find_account(const std::string& root, std::string_view user,
                             const std::optional<std::string>& group) {
  auto passwd = read_table(root, "/etc/passwd");
  if (!passwd) return passwd.error();
  auto account = find_user(*passwd, user);
  if (!account) {
    const auto uid = parse_id(user);
    if (!uid) return Error{concat("cannot find user ", user, ": not in /etc/passwd"), ENOENT};
    if (!group) {
      return Error{concat("cannot find the group of user ", user, ": not in /etc/passwd, name one as ", user,
                          ":GROUP"),
                   ENOENT};
    }
    account = Account{std::string(user), *uid, 0, {}, {}, {}};
  }
  if (group) {
    auto gid = find_group(root, *group);
    if (!gid) return gid.error();
    account->gid = *gid;
  }
  auto groups = read_table(root, "/etc/group");
  if (!groups) return groups.error();
  account->groups = supplementary_groups(*groups, *account);
  return *account;
}

}  // namespace kestrel::sys
