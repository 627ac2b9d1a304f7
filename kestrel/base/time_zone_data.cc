// TZif, the format of /usr/share/zoneinfo (RFC 8536): a header and data with times of 32 bits for old
// programs, then the same again with times of 64 bits, then the rule for all later times as a line of text.
// Numbers are big endian.
#include <cstdint>

#include "kestrel/base/text.h"
#include "kestrel/base/time_zone.h"

namespace kestrel {

using std::chrono::sys_seconds;

namespace {

constexpr std::string_view magic = "TZif";
constexpr std::size_t reserved = 15;
constexpr std::size_t old_time_size = 4;
constexpr std::size_t time_size = 8;
constexpr std::size_t type_size = 6;  ///< offset (4), whether it is daylight saving time, name's index
/// Changes before the Big Bang are rejected (RFC 8536, 3.2), and as far ahead nothing is known.
constexpr std::int64_t time_bound = std::int64_t{1} << 59;
constexpr hours offset_bound{26};

/// Reads from left to right; beyond the end there are zeros, and is_beyond_end() says so.
class DataReader {
 public:
  explicit DataReader(std::string_view data) : rest_(data) {}

  std::string_view bytes(std::size_t count) {
    if (count > rest_.size()) {
      is_beyond_end_ = true;
      rest_ = {};
      return {};
    }
    const std::string_view taken = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return taken;
  }
  /// A signed number.
  std::int64_t number(std::size_t size) {
    const std::string_view taken = bytes(size);
    std::uint64_t value = !taken.empty() && (taken.front() & 0x80) != 0 ? ~std::uint64_t{0} : 0;
    for (const char byte : taken) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }
  [[nodiscard]] bool is_beyond_end() const { return is_beyond_end_; }

 private:
  std::string_view rest_;
  bool is_beyond_end_ = false;
};

struct Header {
  bool is_ours = false;
  char version = '\0';
  std::size_t utc_marks = 0;
  std::size_t standard_marks = 0;
  std::size_t leaps = 0;
  std::size_t changes = 0;
  std::size_t types = 0;
  std::size_t characters = 0;

  explicit Header(DataReader& reader) {
    is_ours = reader.bytes(magic.size()) == magic;
    if (const auto byte = reader.bytes(1); !byte.empty()) version = byte.front();
    reader.bytes(reserved);
    for (std::size_t* count : {&utc_marks, &standard_marks, &leaps, &changes, &types, &characters}) {
      *count = static_cast<std::uint32_t>(reader.number(4));
    }
  }
  /// Of what follows the changes and types.
  [[nodiscard]] std::size_t tail_size(std::size_t size_of_time) const {
    return characters + leaps * (size_of_time + 4) + standard_marks + utc_marks;
  }
  [[nodiscard]] std::size_t data_size(std::size_t size_of_time) const {
    return changes * (size_of_time + 1) + types * type_size + tail_size(size_of_time);
  }
};

Error broken(std::string_view cause) { return Error{concat("cannot read the time zone: ", cause)}; }

/// The footer: a rule between two newlines; between which there may be nothing.
std::optional<std::string_view> find_rule(std::string_view footer) {
  if (!footer.starts_with('\n')) return std::nullopt;
  footer.remove_prefix(1);
  const std::size_t end = footer.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  return footer.substr(0, end);
}

Result<std::vector<seconds>> read_offsets(std::string_view types) {
  std::vector<seconds> offsets;
  for (DataReader type(types); !type.rest().empty(); type.bytes(type_size - 4)) {
    offsets.emplace_back(type.number(4));
    if (std::chrono::abs(offsets.back()) > offset_bound) return broken("an offset is longer than a day");
  }
  return offsets;
}

}  // namespace

Result<TimeZone> TimeZone::parse(std::string_view tzif) {
  DataReader reader(tzif);
  const Header old(reader);
  if (!old.is_ours) return broken("it is no TZif data");
  if (old.version < '2') return broken("its format is older than version 2");
  reader.bytes(old.data_size(old_time_size));
  const Header header(reader);
  if (header.leaps != 0) return broken("it counts leap seconds");
  const std::string_view times = reader.bytes(header.changes * time_size);
  const std::string_view type_indices = reader.bytes(header.changes);
  const std::string_view types = reader.bytes(header.types * type_size);
  reader.bytes(header.tail_size(time_size));
  if (reader.is_beyond_end()) return broken("it ends too early");
  if (!header.is_ours || header.types == 0) return broken("it has no second part");

  const Result<std::vector<seconds>> offsets = read_offsets(types);
  if (!offsets) return offsets.error();
  TimeZone zone(offsets->front());
  DataReader time(times);
  std::int64_t last = -time_bound - 1;
  for (const char index : type_indices) {
    const auto type = static_cast<unsigned char>(index);
    const std::int64_t at = time.number(time_size);
    if (at <= last || at > time_bound || type >= offsets->size()) return broken("its changes make no sense");
    last = at;
    // Where only the zone's name changes, clocks do not.
    const seconds current = zone.changes_.empty() ? zone.initial_ : zone.changes_.back().offset;
    const seconds offset = (*offsets)[type];
    if (offset != current) zone.changes_.push_back({sys_seconds{seconds(at)}, offset});
  }
  const auto rule = find_rule(reader.rest());
  if (!rule) return broken("it has no last line");
  if (!rule->empty()) {
    zone.rule_ = TimeZoneRule::parse(*rule);
    if (!zone.rule_) return broken(concat("its rule ", printable(*rule), " makes no sense"));
  }
  return zone;
}

}  // namespace kestrel
