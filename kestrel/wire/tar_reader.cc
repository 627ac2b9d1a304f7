// Reading archives.
#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/wire/tar.h"
#include "kestrel/wire/tar_layout.h"

namespace kestrel::wire {

namespace {

using tar_layout::Field;

/// Names are at most 4 KiB on Linux; extended attributes, which are passed over, may be longer.
constexpr std::uint64_t longest_extension = 256 * 1024;

Error malformed(std::string_view cause) { return {concat("cannot read the archive: ", cause), EBADMSG}; }

std::string_view field_of(std::string_view header, Field field) {
  return header.substr(field.at, field.size);
}

std::string_view text_of(std::string_view header, Field field) {
  const std::string_view text = field_of(header, field);
  return text.substr(0, text.find('\0'));
}

/// GNU's: the first bit says so, the others are a big-endian number in two's complement.
std::optional<std::int64_t> parse_binary(std::string_view field) {
  const auto first = static_cast<unsigned char>(field[0]);
  const bool is_negative = (first & 0x40) != 0;
  std::int64_t number = is_negative ? -1 : 0;
  for (std::size_t i = 0; i < field.size(); ++i) {
    auto byte = static_cast<unsigned char>(field[i]);
    if (i == 0) byte = static_cast<unsigned char>(is_negative ? byte | 0x80 : byte & 0x7f);
    if (number > std::numeric_limits<std::int64_t>::max() >> 8 ||
        number < std::numeric_limits<std::int64_t>::min() >> 8)
      return std::nullopt;
    number = number * 256 + byte;
  }
  return number;
}

/// Octal digits between spaces, ended by a space or a NUL; nothing at all is 0.
std::optional<std::int64_t> parse_number(std::string_view header, Field where) {
  std::string_view field = field_of(header, where);
  if ((static_cast<unsigned char>(field[0]) & 0x80) != 0) return parse_binary(field);
  field = field.substr(0, field.find('\0'));
  std::int64_t number = 0;
  for (const char digit : trim(field)) {
    if (digit < '0' || digit > '7') return std::nullopt;
    number = number * 8 + (digit - '0');
  }
  return number;
}

std::optional<std::uint32_t> as_id(std::optional<std::int64_t> number) {
  if (!number || *number < 0 || *number > std::numeric_limits<std::uint32_t>::max()) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

/// Where the header has a plain number that is no number, the member is not to be trusted.
template <typename From, typename To>
bool take(std::optional<From> from, To& to) {
  if (from) to = *from;
  return from.has_value();
}

std::string_view without_trailing_slashes(std::string_view text) {
  while (text.size() > 1 && text.back() == '/') text.remove_suffix(1);
  return text;
}

std::optional<TarMember::Type> type_of(char letter, std::string_view name) {
  switch (letter) {
    case '\0':
    case '0':
    case '7':  // contiguous, where that meant something
      return name.ends_with('/') ? TarMember::Type::folder : TarMember::Type::file;
    case '1':
      return TarMember::Type::hard_link;
    case '2':
      return TarMember::Type::symlink;
    case '3':
      return TarMember::Type::character_device;
    case '4':
      return TarMember::Type::block_device;
    case '5':
      return TarMember::Type::folder;
    case '6':
      return TarMember::Type::fifo;
    default:
      return std::nullopt;
  }
}

std::string full_name_of(std::string_view header) {
  const std::string_view name = text_of(header, tar_layout::name);
  // Only POSIX archives have a prefix; GNU tar keeps times there.
  const bool is_posix =
      field_of(header, tar_layout::magic).substr(0, 6) == tar_layout::ustar_magic.substr(0, 6);
  const std::string_view prefix = is_posix ? text_of(header, tar_layout::prefix) : std::string_view();
  return prefix.empty() ? std::string(name) : concat(prefix, '/', name);
}

}  // namespace

Result<std::optional<TarItem>> TarReader::next(std::string_view& input) {
  while (!input.empty()) {
    if (part_ == Part::end) {
      input = {};
    } else if (part_ == Part::data && left_ > 0) {
      const std::string_view piece = input.substr(0, std::min<std::uint64_t>(left_, input.size()));
      input.remove_prefix(piece.size());
      left_ -= piece.size();
      return std::optional<TarItem>(TarData{piece});
    } else if (part_ == Part::data) {
      skip_padding(input);
    } else if (part_ == Part::extension) {
      if (!fill(input, extension_, left_)) break;
      auto item = read_extension();
      if (!item || *item) return item;
    } else if (fill(input, block_, tar_layout::block_size)) {
      auto item = read_header();
      if (!item || *item) return item;
    }
  }
  return std::optional<TarItem>();
}

/// Moves from the input what `into` lacks of `size` bytes; true when it has them.
bool TarReader::fill(std::string_view& input, std::string& into, std::size_t size) {
  const std::string_view piece = input.substr(0, size - into.size());
  into.append(piece);
  input.remove_prefix(piece.size());
  return into.size() == size;
}

void TarReader::skip_padding(std::string_view& input) {
  const std::size_t skipped = std::min(padding_, input.size());
  input.remove_prefix(skipped);
  padding_ -= skipped;
  if (padding_ == 0) part_ = Part::header;
}

void TarReader::begin_data(std::uint64_t size) {
  part_ = Part::data;
  left_ = size;
  padding_ = tar_padding({size});
}

Result<std::optional<TarItem>> TarReader::read_header() {
  const std::string header = std::exchange(block_, {});
  if (header.find_first_not_of('\0') == std::string::npos) {
    part_ = Part::end;
    return std::optional<TarItem>();
  }
  if (parse_number(header, tar_layout::checksum) != tar_layout::sum_of(header))
    return malformed("a header's checksum is wrong, so it is no tar archive or damaged");
  const char type = header[tar_layout::type.at];
  if (type == 'x' || type == 'g' || type == 'L' || type == 'K') {
    if (auto begun = begin_extension(type, parse_number(header, tar_layout::size)); !begun)
      return begun.error();
    return std::optional<TarItem>();
  }
  auto member = make_member(header);
  overrides_ = {};
  if (!member) return member.error();
  begin_data(member->size.count);
  return std::optional<TarItem>(std::move(*member));
}

Result<TarMember> TarReader::make_member(std::string_view header) {
  TarMember member;
  std::string name = overrides_.name ? std::move(*overrides_.name) : full_name_of(header);
  const auto type = type_of(header[tar_layout::type.at], name);
  if (!type) return malformed(concat("the kind of ", printable(name), " is not supported"));
  member.type = *type;
  member.name = member.type == TarMember::Type::folder ? without_trailing_slashes(name) : name;
  member.target =
      overrides_.target ? std::move(*overrides_.target) : std::string(text_of(header, tar_layout::target));
  std::int64_t size = 0;
  const bool is_sound =
      take(as_id(parse_number(header, tar_layout::mode)), member.mode) &&
      take(overrides_.uid ? overrides_.uid : as_id(parse_number(header, tar_layout::uid)), member.uid) &&
      take(overrides_.gid ? overrides_.gid : as_id(parse_number(header, tar_layout::gid)), member.gid) &&
      take(overrides_.size ? overrides_.size : parse_number(header, tar_layout::size), size) &&
      take(overrides_.mtime ? overrides_.mtime : parse_number(header, tar_layout::mtime), member.mtime);
  if (!is_sound || size < 0) return malformed(concat("a number of ", printable(name), " makes no sense"));
  member.mode &= 07777;
  if (member.type == TarMember::Type::file) member.size = {static_cast<std::uint64_t>(size)};
  if (member.type == TarMember::Type::character_device || member.type == TarMember::Type::block_device) {
    const bool is_device = take(as_id(parse_number(header, tar_layout::device_major)), member.device_major) &&
                           take(as_id(parse_number(header, tar_layout::device_minor)), member.device_minor);
    if (!is_device) return malformed(concat("the number of device ", printable(name), " makes no sense"));
  }
  return member;
}

// --- extensions --------------------------------------------------------------------------------------------

Result<void> TarReader::begin_extension(char type, std::optional<std::int64_t> size) {
  if (!size || *size < 0) return malformed("the size of an extended header makes no sense");
  if (static_cast<std::uint64_t>(*size) > longest_extension)
    return malformed("an extended header is too long");
  part_ = Part::extension;
  extension_type_ = type;
  left_ = static_cast<std::uint64_t>(*size);
  return {};
}

Result<std::optional<TarItem>> TarReader::read_extension() {
  const std::string extension = std::exchange(extension_, {});
  begin_data(0);
  padding_ = tar_padding({extension.size()});
  const std::string_view text = std::string_view(extension).substr(0, extension.find('\0'));
  if (extension_type_ == 'L') {
    overrides_.name = text;
  } else if (extension_type_ == 'K') {
    overrides_.target = text;
  } else {
    return read_pax(extension);
  }
  return std::optional<TarItem>();
}

/// Records of the form `LENGTH KEY=VALUE\n`, where LENGTH counts the whole record.
Result<std::optional<TarItem>> TarReader::read_pax(std::string_view records) {
  std::optional<TarItem> item;
  while (!records.empty()) {
    const std::size_t space = records.find(' ');
    const std::int64_t length = parse_integer(records.substr(0, space)).value_or(0);
    const bool is_whole = space != std::string_view::npos && length > static_cast<std::int64_t>(space) + 1 &&
                          length <= static_cast<std::int64_t>(records.size());
    if (!is_whole) return malformed("an extended header is damaged");
    const std::string_view record = records.substr(space + 1, static_cast<std::size_t>(length) - space - 1);
    const std::size_t equals = record.find('=');
    if (record.back() != '\n' || equals == std::string_view::npos)
      return malformed("an extended header is damaged");
    const std::string_view key = record.substr(0, equals);
    const std::string_view value = record.substr(equals + 1, record.size() - equals - 2);
    if (key == tar_layout::problem_key) item = TarProblem{std::string(value)};
    if (extension_type_ == 'x') {
      if (auto taken = take_record(key, value); !taken) return taken.error();
    }
    records.remove_prefix(static_cast<std::size_t>(length));
  }
  return item;
}

Result<void> TarReader::take_record(std::string_view key, std::string_view value) {
  const auto number = parse_integer(value.substr(0, value.find('.')));
  bool is_sound = true;
  if (key == "path" || key == "linkpath") {
    is_sound = value.find('\0') == std::string_view::npos;
    (key == "path" ? overrides_.name : overrides_.target) = value;
  } else if (key == "size") {
    overrides_.size = number;
    is_sound = number && *number >= 0;
  } else if (key == "uid" || key == "gid") {
    (key == "uid" ? overrides_.uid : overrides_.gid) = as_id(number);
    is_sound = as_id(number).has_value();
  } else if (key == "mtime") {
    overrides_.mtime = number;
    is_sound = number.has_value();
  } else if (key.starts_with("GNU.sparse.")) {
    return malformed("sparse files are not supported; pack without --sparse");
  }
  if (!is_sound) return malformed(concat("the ", key, " in an extended header makes no sense"));
  return {};
}

}  // namespace kestrel::wire
