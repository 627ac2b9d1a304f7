#include "kestrel/base/time_zone.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel {

using std::chrono::local_seconds;
using std::chrono::sys_seconds;

namespace {

constexpr std::size_t longest_name = 64;
/// No zone is further from UTC (RFC 8536, 3.2: from -25 to 26 hours).
constexpr hours longest_offset{26};

}  // namespace

seconds TimeZone::offset_at(sys_seconds time) const {
  const auto next =
      std::upper_bound(changes_.begin(), changes_.end(), time,
                       [](sys_seconds moment, const Change& change) { return moment < change.at; });
  if (next == changes_.end() && rule_) return rule_->offset_at(time);
  return next == changes_.begin() ? initial_ : std::prev(next)->offset;
}

std::optional<sys_seconds> TimeZone::next_change(sys_seconds time) const {
  const auto next =
      std::upper_bound(changes_.begin(), changes_.end(), time,
                       [](sys_seconds moment, const Change& change) { return moment < change.at; });
  if (next != changes_.end()) return next->at;
  return rule_ ? rule_->next_change(time) : std::nullopt;
}

local_seconds TimeZone::to_local(sys_seconds time) const {
  return local_seconds{(time + offset_at(time)).time_since_epoch()};
}

sys_seconds TimeZone::to_utc(local_seconds time) const {
  const sys_seconds as_if_utc{time.time_since_epoch()};
  const seconds before = offset_at(as_if_utc - longest_offset);
  const seconds after = offset_at(as_if_utc + longest_offset);
  const sys_seconds earlier = as_if_utc - std::max(before, after);
  const sys_seconds later = as_if_utc - std::min(before, after);
  if (to_local(earlier) == time) return earlier;
  if (to_local(later) == time) return later;
  return next_change(earlier).value_or(later);
}

bool is_time_zone_name(std::string_view name) {
  const auto belongs = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '+';
  };
  if (name.empty() || name.size() > longest_name) return false;
  const auto parts = split(name, '/');
  return std::all_of(parts.begin(), parts.end(), [&](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), belongs);
  });
}

}  // namespace kestrel
