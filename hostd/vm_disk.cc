#include "hostd/vm_disk.h"

#include <algorithm>

#include "hostd/plain_name.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

std::string_view name_of(DiskFormat format) {
  switch (format) {
    case DiskFormat::raw:
      return "raw";
    case DiskFormat::qcow2:
      return "qcow2";
  }
  return "raw";
}

Result<DiskFormat> parse_disk_format(std::string_view text) {
  for (const DiskFormat format : {DiskFormat::raw, DiskFormat::qcow2}) {
    if (text == name_of(format)) return format;
  }
  return Error{concat("cannot use disk format `", text, "`: it is neither raw nor qcow2")};
}

std::vector<std::string> problems_of(const std::vector<Disk>& disks) {
  std::vector<std::string> problems;
  const auto check = [&](bool holds, std::string_view problem) {
    if (!holds) problems.emplace_back(problem);
  };
  check(disks.size() <= most_disks, concat("a VM has at most ", most_disks, " disks"));
  for (const Disk& disk : disks) {
    check(disk.file.path.starts_with('/') || (disk.file.path.empty() && disk.base),
          concat("the disk `", disk.file.path, "` is not an absolute path"));
    check(!disk.base || disk.base->path.starts_with('/'),
          concat("the base of the disk ", disk.file.path, " is not an absolute path"));
    check(!disk.base || disk.file.format == DiskFormat::qcow2,
          concat("the disk ", disk.file.path, " is raw and so lies on no base"));
    check(disk.serial.empty() || is_plain_name(disk.serial, longest_serial),
          concat("`", disk.serial, "` is no serial for a disk: use up to ", longest_serial,
                 " letters, digits, `-`, `_`, `.`, with a letter or digit first"));
    const auto clashes = [&](const Disk& other) {
      return &other < &disk && !disk.serial.empty() && other.serial == disk.serial;
    };
    check(std::none_of(disks.begin(), disks.end(), clashes),
          concat("two disks have the serial ", disk.serial));
  }
  return problems;
}

}  // namespace kestrel::hostd
