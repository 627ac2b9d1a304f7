#include "kestrel/sys/time_zone_file.h"

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

constexpr Bytes file_limit = kibibytes(64);  ///< ten times the largest of tzdata

}  // namespace

Result<TimeZone> load_time_zone(const std::string& name, const std::string& root) {
  if (name == "UTC") return TimeZone::utc();
  const std::string what = concat("cannot load the time zone ", printable(name));
  if (!is_time_zone_name(name)) return Error{concat(what, ": that is no name of one"), EINVAL};
  const Result<std::string> data = read_file(concat(root, "/usr/share/zoneinfo/", name), file_limit);
  if (!data && data.error().code == ENOENT) {
    return Error{concat(what, ": the image has no such zone; it needs the package tzdata"), ENOENT};
  }
  if (!data) return data.error().in(what);
  Result<TimeZone> zone = TimeZone::parse(*data);
  if (!zone) return zone.error().in(what);
  return zone;
}

}  // namespace kestrel::sys
