#include "hostd/cli/copy_plan.h"

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view socket_prefix = "unix:";

/// Without slashes at the end; `/` stays.
std::string_view trimmed(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path;
}

/// Empty for `/`, and where it ends in `.` or `..`.
std::string_view name_of(std::string_view path) {
  path = trimmed(path);
  const std::string_view name = path.substr(path.rfind('/') + 1);
  return name == "." || name == ".." ? std::string_view() : name;
}

std::string folder_of(std::string_view path) {
  path = trimmed(path);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return std::string(slash == 0 ? "/" : path.substr(0, slash));
}

Error cannot_copy(std::string_view source, std::string_view destination, std::string_view cause) {
  return {concat("cannot copy ", printable(source), " to ", printable(destination), ": ", cause)};
}

}  // namespace

CopySide parse_copy_side(std::string_view text) {
  if (text == "-") return {.kind = CopySide::Kind::archive, .vm = {}, .path = {}};
  const std::size_t begin = text.starts_with(socket_prefix) ? socket_prefix.size() : 0;
  const std::size_t colon = text.find(':', begin);
  const bool is_local =
      text.starts_with('/') || text.starts_with('.') || colon == std::string_view::npos || colon == 0;
  if (is_local) return {.kind = CopySide::Kind::local, .vm = {}, .path = std::string(text)};
  const std::string_view path = text.substr(colon + 1);
  return {.kind = CopySide::Kind::guest,
          .vm = std::string(text.substr(0, colon)),
          .path = concat(path.starts_with('/') ? "" : "/", path)};
}

Result<CopyPlan> plan_copy(std::string_view source, Standing source_is, std::string_view destination,
                           Standing destination_is) {
  const bool is_folder = source_is == Standing::folder;
  const bool has_slash = destination.ends_with('/');
  const std::string source_name(name_of(source));
  if (destination_is == Standing::folder)
    return CopyPlan{std::string(destination), source_name.empty() ? "." : source_name};
  if (destination_is == Standing::other && is_folder)
    return cannot_copy(source, destination, "a folder does not replace a file");
  if (has_slash && destination_is == Standing::other)
    return cannot_copy(source, destination, "the destination is no folder");
  if (has_slash && !is_folder) return cannot_copy(source, destination, "the folder does not exist");
  return CopyPlan{folder_of(destination), std::string(name_of(destination))};
}

}  // namespace kestrel::hostd
