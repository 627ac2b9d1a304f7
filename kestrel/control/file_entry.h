// What the API says of a file: the object that a listing has for each, and that stands alone in the header
// `Kestrel-Entry` and in the answer to a PUT.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace kestrel::control {

/// Users' names by their numbers; each is looked up once.
class OwnerNames {
 public:
  /// The number as text where it has no name.
  [[nodiscard]] const std::string& of(std::uint32_t uid);

 private:
  std::map<std::uint32_t, std::string> names_;
};

/// `{name, type, size, mode, owner, uid, gid, mtime, target}`, all of it ASCII.
[[nodiscard]] std::string entry_json(std::string_view name, const struct stat& status,
                                     const std::optional<std::string>& target, OwnerNames& owners);

/// What a symlink points to; nullopt for anything else. An empty name means the descriptor itself.
[[nodiscard]] std::optional<std::string> link_target(int folder, const char* name, const struct stat& status);

}  // namespace kestrel::control
