// Time zones for tests, as bytes of the TZif format: the machine's tzdata may be missing, and changes.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/base/text.h"
#include "kestrel/base/time_zone.h"

namespace kestrel {

struct ZoneChange {
  std::string_view at;  ///< as format_time() writes it
  int offset;           ///< from then on, in seconds
};

inline std::string big_endian(std::int64_t value, int size) {
  std::string out;
  for (int shift = (size - 1) * 8; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
  return out;
}

inline std::string zone_header(std::size_t leaps, std::size_t changes, std::size_t types,
                               char version = '2') {
  std::string out = "TZif";
  out.push_back(version);
  out.append(15, '\0');
  for (const std::size_t count : {std::size_t{0}, std::size_t{0}, leaps, changes, types, std::size_t{4}}) {
    out += big_endian(static_cast<std::int64_t>(count), 4);
  }
  return out;
}

/// A type for the time before the first change and one for each change.
inline std::string zone_data(int initial, const std::vector<ZoneChange>& changes, std::string_view rule) {
  std::string times;
  std::string indices;
  std::string types = big_endian(initial, 4) + std::string(2, '\0');
  for (const ZoneChange& change : changes) {
    times += big_endian(std::chrono::floor<seconds>(*parse_time(change.at)).time_since_epoch().count(), 8);
    indices.push_back(static_cast<char>(indices.size() + 1));
    types += big_endian(change.offset, 4) + std::string(2, '\0');
  }
  const std::string names = std::string("LMT") + '\0';
  const std::string old = zone_header(0, 0, 1) + std::string(6, '\0') + names;
  return old + zone_header(0, changes.size(), changes.size() + 1) + times + indices + types + names + "\n" +
         std::string(rule) + "\n";
}

inline TimeZone zone(int initial, const std::vector<ZoneChange>& changes, std::string_view rule) {
  const auto parsed = TimeZone::parse(zone_data(initial, changes, rule));
  if (!parsed) FAIL(parsed.error().message);
  return *parsed;
}

inline TimeZone berlin() { return zone(3600, {}, "CET-1CEST,M3.5.0,M10.5.0/3"); }
inline TimeZone kolkata() { return zone(19800, {}, "IST-5:30"); }
/// Clocks went forward at midnight until 2018; there has been no daylight saving time since 2019.
inline TimeZone sao_paulo() {
  return zone(-10800,
              {{"2017-10-15T03:00:00.000Z", -7200},
               {"2018-02-18T02:00:00.000Z", -10800},
               {"2018-11-04T03:00:00.000Z", -7200},
               {"2019-02-17T02:00:00.000Z", -10800}},
              "<-03>3");
}

}  // namespace kestrel
