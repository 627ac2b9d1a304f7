// Where the parts of a tar header stand (POSIX.1-2017, pax, "ustar Interchange Format"). Private to tar.cc
// and tar_reader.cc.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace kestrel::wire::tar_layout {

struct Field {
  std::size_t at;
  std::size_t size;
};

inline constexpr std::size_t block_size = 512;
inline constexpr Field name{0, 100};
inline constexpr Field mode{100, 8};
inline constexpr Field uid{108, 8};
inline constexpr Field gid{116, 8};
inline constexpr Field size{124, 12};
inline constexpr Field mtime{136, 12};
inline constexpr Field checksum{148, 8};
inline constexpr Field type{156, 1};
inline constexpr Field target{157, 100};
inline constexpr Field magic{257, 8};
inline constexpr Field device_major{329, 8};
inline constexpr Field device_minor{337, 8};
inline constexpr Field prefix{345, 155};

inline constexpr std::string_view ustar_magic{"ustar\00000", 8};
/// Our own record in a global pax header: a message of what could not be put into the archive.
inline constexpr std::string_view problem_key = "KESTREL.problem";

/// Of all bytes, those of the checksum taken for spaces.
inline std::uint32_t sum_of(std::string_view header) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < header.size(); ++i) {
    const bool is_checksum = i >= checksum.at && i < checksum.at + checksum.size;
    sum += is_checksum ? ' ' : static_cast<unsigned char>(header[i]);
  }
  return sum;
}

}  // namespace kestrel::wire::tar_layout
