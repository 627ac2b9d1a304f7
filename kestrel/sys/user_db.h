// Users and groups, read from /etc/passwd and /etc/group themselves: a static glibc has no name services.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/result.h"

namespace kestrel::sys {

struct Account {
  std::string name;  ///< the number as text where it has no entry
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::vector<std::uint32_t> groups;  ///< supplementary, without `gid`
  std::string home;                   ///< empty where it has no entry
  std::string shell;
  friend bool operator==(const Account&, const Account&) = default;
};

/// `user` is a name or a uid, `group` a name or a gid that replaces the user's own. `root` is a folder, "/"
/// for the running system.
///
/// A name that is made of digits is a name first, as in chown(1). A uid without an entry in /etc/passwd is
/// allowed, but then `group` has to be given: taking 0 or the uid's own number for its group would be
/// guessing about rights.
[[nodiscard]] Result<Account> find_account(const std::string& root, std::string_view user,
                                           const std::optional<std::string>& group);

/// A group's number by its name or its number; a number needs no entry in /etc/group.
[[nodiscard]] Result<std::uint32_t> find_group(const std::string& root, std::string_view group);

}  // namespace kestrel::sys
