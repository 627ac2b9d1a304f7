// Writing archives, and the layout of a header.
#include "kestrel/wire/tar.h"

#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/wire/tar_layout.h"

namespace kestrel::wire {

namespace {

using namespace tar_layout;

void put_text(std::string& header, Field field, std::string_view text) {
  header.replace(field.at, std::min(text.size(), field.size), text.substr(0, field.size));
}

/// Octal digits, and a NUL behind them.
bool put_number(std::string& header, Field field, std::uint64_t number) {
  std::string digits(field.size - 1, '0');
  for (auto digit = digits.rbegin(); digit != digits.rend(); ++digit, number >>= 3)
    *digit = static_cast<char>('0' + (number & 7));
  put_text(header, field, digits);
  return number == 0;
}

/// A name of more than 100 bytes is cut at a slash, if it can be, in two that fit.
bool put_name(std::string& header, std::string_view text) {
  if (text.size() <= name.size) {
    put_text(header, name, text);
    return true;
  }
  const std::size_t cut = text.rfind('/', prefix.size);
  if (cut == std::string_view::npos || cut == 0 || text.size() - cut - 1 > name.size) return false;
  if (cut + 1 == text.size()) return false;
  put_text(header, prefix, text.substr(0, cut));
  put_text(header, name, text.substr(cut + 1));
  return true;
}

/// `LENGTH KEY=VALUE\n`, where LENGTH counts its own digits, too.
std::string record(std::string_view key, std::string_view value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest;
  while (concat(length).size() + rest != length) length = concat(length).size() + rest;
  return concat(length, ' ', key, '=', value, '\n');
}

void put_checksum(std::string& header) {
  put_text(header, checksum, "        ");
  put_number(header, {checksum.at, 7}, sum_of(header));
}

std::string header_of(char member_type, std::string_view member_name, std::uint64_t data_size) {
  std::string header(block_size, '\0');
  put_text(header, magic, ustar_magic);
  put_text(header, name, member_name);
  put_number(header, mode, 0644);
  put_number(header, uid, 0);
  put_number(header, gid, 0);
  put_number(header, size, data_size);
  put_number(header, mtime, 0);
  header[type.at] = member_type;
  put_checksum(header);
  return header;
}

std::string extension(char extension_type, std::string_view records) {
  std::string out = header_of(extension_type, "PaxHeader", records.size());
  out.append(records);
  return out.append(tar_padding({records.size()}), '\0');
}

char letter_of(TarMember::Type member_type) {
  switch (member_type) {
    case TarMember::Type::file:
      return '0';
    case TarMember::Type::hard_link:
      return '1';
    case TarMember::Type::symlink:
      return '2';
    case TarMember::Type::character_device:
      return '3';
    case TarMember::Type::block_device:
      return '4';
    case TarMember::Type::folder:
      return '5';
    case TarMember::Type::fifo:
      return '6';
  }
  return '0';
}

}  // namespace

std::string tar_header(const TarMember& member) {
  std::string header(block_size, '\0');
  std::string records;
  const std::string full_name = member.type == TarMember::Type::folder ? member.name + "/" : member.name;
  const auto put = [&](Field field, std::uint64_t number, std::string_view key) {
    if (!put_number(header, field, number)) records += record(key, concat(number));
  };
  if (!put_name(header, full_name)) {
    put_text(header, name, full_name);
    records += record("path", full_name);
  }
  if (member.target.size() > target.size) records += record("linkpath", member.target);
  put_text(header, target, member.target);
  put_number(header, mode, member.mode & 07777);
  put(uid, member.uid, "uid");
  put(gid, member.gid, "gid");
  put(size, member.type == TarMember::Type::file ? member.size.count : 0, "size");
  if (member.mtime < 0 || !put_number(header, mtime, static_cast<std::uint64_t>(member.mtime))) {
    put_number(header, mtime, 0);
    records += record("mtime", concat(member.mtime));
  }
  header[type.at] = letter_of(member.type);
  put_text(header, magic, ustar_magic);
  put_number(header, device_major, member.device_major);
  put_number(header, device_minor, member.device_minor);
  put_checksum(header);
  return records.empty() ? header : extension('x', records) + header;
}

std::size_t tar_padding(Bytes bytes) {
  return static_cast<std::size_t>((block_size - bytes.count % block_size) % block_size);
}

std::string_view tar_end() {
  static constexpr std::array<char, 2 * block_size> zeros{};
  return {zeros.data(), zeros.size()};
}

std::string tar_problem(std::string_view message) { return extension('g', record(problem_key, message)); }

}  // namespace kestrel::wire
