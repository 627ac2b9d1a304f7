// Tar archives without I/O: what files are turned into, and back. Shared by the guest's API and the host.
//
// Written is ustar (POSIX.1-1988) with pax headers (POSIX.1-2001) for what it cannot hold: long names, large
// sizes and numbers, times before 1970. Read is that, and what GNU tar writes by default: its long names and
// binary numbers. Sparse files and archives of several volumes are refused. Extended attributes and global
// defaults are passed over.
//
// An archive is a sequence of members: a header of 512 bytes, for a file its data, and zeros up to the next
// multiple of 512; two blocks of zeros are the end. Neither writing nor reading holds more than one header
// and its extensions.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "kestrel/base/bytes.h"
#include "kestrel/base/result.h"

namespace kestrel::wire {

struct TarMember {
  enum class Type { file, folder, symlink, hard_link, character_device, block_device, fifo };
  Type type = Type::file;
  std::string
      name;  ///< as in the archive: nothing is known of where it leads. A folder's has no slash at its end
  std::string target;  ///< of a symlink; of a hard link the other member's name
  std::uint32_t mode = 0644;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  Bytes size;              ///< of a file's data; nothing else has any
  std::int64_t mtime = 0;  ///< seconds since 1970
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  friend bool operator==(const TarMember&, const TarMember&) = default;
};

// --- writing -----------------------------------------------------------------------------------------------

/// The member's header, to be followed by its data and tar_padding().
[[nodiscard]] std::string tar_header(const TarMember& member);
/// How many zeros follow that much data.
[[nodiscard]] std::size_t tar_padding(Bytes size);
/// Two blocks of zeros.
[[nodiscard]] std::string_view tar_end();
/// Says in the archive what could not be put into it: a pax header that only TarReader understands.
[[nodiscard]] std::string tar_problem(std::string_view message);

// --- reading -----------------------------------------------------------------------------------------------

/// A piece of the data of the last member; it points into the input.
struct TarData {
  std::string_view bytes;
};
struct TarProblem {
  std::string message;
};
using TarItem = std::variant<TarMember, TarData, TarProblem>;

class TarReader {
 public:
  /// The next item at the front of `input`, of which it takes away what it used; nullopt: more is needed.
  /// What follows the end of the archive is passed over. After an error (EBADMSG) the reader is dead.
  [[nodiscard]] Result<std::optional<TarItem>> next(std::string_view& input);
  /// The end was there. An archive without one has been cut off.
  [[nodiscard]] bool has_ended() const { return part_ == Part::end; }

 private:
  enum class Part { header, extension, data, end };
  /// What extensions say about the next member.
  struct Overrides {
    std::optional<std::string> name;
    std::optional<std::string> target;
    std::optional<std::int64_t> size;
    std::optional<std::uint32_t> uid;
    std::optional<std::uint32_t> gid;
    std::optional<std::int64_t> mtime;
  };

  [[nodiscard]] static bool fill(std::string_view& input, std::string& into, std::size_t size);
  void skip_padding(std::string_view& input);
  void begin_data(std::uint64_t size);
  [[nodiscard]] Result<std::optional<TarItem>> read_header();
  [[nodiscard]] Result<TarMember> make_member(std::string_view header);
  [[nodiscard]] Result<void> begin_extension(char type, std::optional<std::int64_t> size);
  [[nodiscard]] Result<std::optional<TarItem>> read_extension();
  [[nodiscard]] Result<std::optional<TarItem>> read_pax(std::string_view records);
  [[nodiscard]] Result<void> take_record(std::string_view key, std::string_view value);

  Part part_ = Part::header;
  std::string block_;      ///< what has come of a header
  std::string extension_;  ///< what has come of one
  char extension_type_ = 0;
  std::uint64_t left_ = 0;   ///< still to come of the data; the size of the extension
  std::size_t padding_ = 0;  ///< after it
  Overrides overrides_;
};

}  // namespace kestrel::wire
