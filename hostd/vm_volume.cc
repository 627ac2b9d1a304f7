#include "hostd/vm_volume.h"

#include <algorithm>

#include "hostd/plain_name.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

bool is_target(std::string_view path) {
  const auto is_control = [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; };
  return path.starts_with('/') && std::none_of(path.begin(), path.end(), is_control);
}

}  // namespace

std::string volume_path(std::string_view folder, std::string_view name) {
  return concat(folder, '/', name, ".raw");
}

Result<Volume> parse_volume(std::string_view text, std::string_view folder) {
  const auto wrong = [&](std::string_view cause) {
    return Error{concat("cannot use volume `", text, "`: ", cause)};
  };
  const auto parts = split(text, ':');
  if (parts.size() < 2 || parts.size() > 3) return wrong("it is not NAME:PATH:SIZE");
  Volume volume;
  volume.name = parts[0];
  volume.target = parts[1];
  if (parts.size() == 3) {
    const auto size = parse_bytes(parts[2]);
    if (!size) return wrong(concat("`", parts[2], "` is not a size such as 64M or 1G"));
    if (*size < least_volume) return wrong(concat("its size is below ", format_bytes(least_volume)));
    volume.size = *size;
  }
  volume.path = volume_path(folder, volume.name);
  if (const auto problems = problems_of(std::vector{volume}); !problems.empty())
    return wrong(problems.front());
  return volume;
}

Disk disk_of(const Volume& volume) {
  return {.file = {volume.path, DiskFormat::raw}, .is_read_only = false, .serial = volume.name, .base = {}};
}

std::vector<std::string> problems_of(const std::vector<Volume>& volumes) {
  std::vector<std::string> problems;
  const auto check = [&](bool holds, std::string_view problem) {
    if (!holds) problems.emplace_back(problem);
  };
  for (const Volume& volume : volumes) {
    check(is_plain_name(volume.name, longest_serial),
          concat("`", volume.name, "` is no name for a volume: use up to ", longest_serial,
                 " letters, digits, `-`, `_`, `.`, with a letter or digit first"));
    check(volume.target.empty() || is_target(volume.target),
          concat("`", volume.target, "` is no absolute path to mount a volume on"));
    check(volume.size == Bytes{} || volume.size >= least_volume,
          concat("the volume ", volume.name, " is smaller than ", format_bytes(least_volume)));
    const auto clashes = [&](const Volume& other) {
      return &other < &volume && !volume.target.empty() && other.target == volume.target;
    };
    check(std::none_of(volumes.begin(), volumes.end(), clashes),
          concat("two volumes are to be mounted on ", volume.target));
  }
  return problems;
}

}  // namespace kestrel::hostd
