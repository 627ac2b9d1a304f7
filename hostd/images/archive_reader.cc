#include "hostd/images/archive_reader.h"

#include <archive.h>
#include <archive_entry.h>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t block_size = 256 * 1024;

/// As UTF-8 where the archive has it so: libarchive converts to the locale otherwise, of which we have none.
std::string text_of(const char* utf8, const char* raw) {
  if (utf8 != nullptr) return utf8;
  return raw == nullptr ? "" : raw;
}

std::string plain_name(std::string_view name) {
  while (name.starts_with("./")) name.remove_prefix(2);
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  return name.empty() ? "." : std::string(name);
}

ArchiveMember::Kind kind_of(archive_entry* entry) {
  using Kind = ArchiveMember::Kind;
  if (archive_entry_hardlink(entry) != nullptr || archive_entry_hardlink_utf8(entry) != nullptr)
    return Kind::hard_link;
  switch (archive_entry_filetype(entry)) {
    case AE_IFREG:
      return Kind::file;
    case AE_IFDIR:
      return Kind::folder;
    case AE_IFLNK:
      return Kind::symlink;
    case AE_IFCHR:
      return Kind::character_device;
    case AE_IFBLK:
      return Kind::block_device;
    case AE_IFIFO:
      return Kind::fifo;
    default:
      return Kind::other;
  }
}

ArchiveMember member_of(archive_entry* entry) {
  ArchiveMember member;
  member.kind = kind_of(entry);
  member.name = plain_name(text_of(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry)));
  if (member.kind == ArchiveMember::Kind::symlink) {
    member.link = text_of(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry));
  } else if (member.kind == ArchiveMember::Kind::hard_link) {
    member.link = plain_name(text_of(archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry)));
  }
  member.mode = static_cast<std::uint32_t>(archive_entry_perm(entry));
  member.uid = static_cast<std::uint32_t>(archive_entry_uid(entry));
  member.gid = static_cast<std::uint32_t>(archive_entry_gid(entry));
  member.device_major = static_cast<std::uint32_t>(archive_entry_rdevmajor(entry));
  member.device_minor = static_cast<std::uint32_t>(archive_entry_rdevminor(entry));
  member.mtime = archive_entry_mtime(entry);
  member.size = static_cast<std::uint64_t>(archive_entry_size(entry));
  return member;
}

}  // namespace

void ArchiveReader::Close::operator()(archive* handle) const { archive_read_free(handle); }

ArchiveReader::ArchiveReader(std::string path, std::unique_ptr<archive, Close> handle)
    : path_(std::move(path)), handle_(std::move(handle)), buffer_(block_size, '\0') {}

Result<ArchiveReader> ArchiveReader::open(const std::string& path) {
  ArchiveReader reader(path, std::unique_ptr<archive, Close>(archive_read_new()));
  archive* handle = reader.handle_.get();
  for (const auto support : {archive_read_support_filter_gzip, archive_read_support_filter_zstd,
                             archive_read_support_filter_xz, archive_read_support_filter_bzip2,
                             archive_read_support_format_tar, archive_read_support_format_cpio}) {
    support(handle);
  }
  if (archive_read_open_filename(handle, path.c_str(), block_size) != ARCHIVE_OK) return reader.cannot_read();
  return reader;
}

Result<std::optional<ArchiveMember>> ArchiveReader::next() {
  archive_entry* entry = nullptr;
  const int result = archive_read_next_header(handle_.get(), &entry);
  if (result == ARCHIVE_EOF) return std::optional<ArchiveMember>();
  if (result < ARCHIVE_WARN) return cannot_read();
  return std::optional(member_of(entry));
}

Result<std::string_view> ArchiveReader::read() {
  const la_ssize_t count = archive_read_data(handle_.get(), buffer_.data(), buffer_.size());
  if (count < 0) return cannot_read();
  return std::string_view(buffer_).substr(0, static_cast<std::size_t>(count));
}

Error ArchiveReader::cannot_read() const {
  const char* cause = archive_error_string(handle_.get());
  return Error{concat("cannot read ", path_, ": ", cause == nullptr ? "it is no archive" : cause)};
}

}  // namespace kestrel::hostd
