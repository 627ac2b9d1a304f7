#include "hostd/images/archive_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"

namespace kestrel::hostd {

namespace {

/// A window of 2 MiB, the most that levels up to 8 have: the guest holds it beside archive and files while it
/// unpacks, which decides how little memory it boots with. The next levels cost twice the time for 1 %.
constexpr const char* zstd_level = "8";

using Kind = ArchiveMember::Kind;

unsigned file_type(Kind kind) {
  switch (kind) {
    case Kind::folder:
      return AE_IFDIR;
    case Kind::symlink:
      return AE_IFLNK;
    case Kind::character_device:
      return AE_IFCHR;
    case Kind::block_device:
      return AE_IFBLK;
    case Kind::fifo:
      return AE_IFIFO;
    case Kind::file:
    case Kind::hard_link:
    case Kind::other:
      break;
  }
  return AE_IFREG;
}

bool set_form(archive* handle, ArchiveForm form) {
  if (form == ArchiveForm::initramfs_zstd) {
    return archive_write_set_format_cpio_newc(handle) == ARCHIVE_OK &&
           archive_write_add_filter_zstd(handle) == ARCHIVE_OK &&
           archive_write_set_filter_option(handle, "zstd", "compression-level", zstd_level) == ARCHIVE_OK;
  }
  const auto format = form == ArchiveForm::tar_gzip ? archive_write_set_format_pax_restricted
                                                    : archive_write_set_format_cpio_newc;
  return format(handle) == ARCHIVE_OK && archive_write_add_filter_gzip(handle) == ARCHIVE_OK &&
         archive_write_set_filter_option(handle, "gzip", "timestamp", nullptr) == ARCHIVE_OK;
}

}  // namespace

void ArchiveWriter::Close::operator()(archive* handle) const { archive_write_free(handle); }

ArchiveWriter::ArchiveWriter(std::string path, std::unique_ptr<archive, Close> handle)
    : path_(std::move(path)), handle_(std::move(handle)) {}

Result<ArchiveWriter> ArchiveWriter::create(const std::string& path, ArchiveForm form) {
  ArchiveWriter writer(path, std::unique_ptr<archive, Close>(archive_write_new()));
  archive* handle = writer.handle_.get();
  const bool is_open = set_form(handle, form) &&
                       // The end of the last block of tar would be as long as tapes want it.
                       archive_write_set_bytes_in_last_block(handle, 1) == ARCHIVE_OK &&
                       archive_write_open_filename(handle, path.c_str()) == ARCHIVE_OK;
  if (!is_open) return writer.cannot_write();
  return writer;
}

Result<void> ArchiveWriter::add(const ArchiveMember& member) {
  const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(),
                                                                       archive_entry_free);
  archive_entry_set_pathname(entry.get(), member.name.c_str());
  archive_entry_set_filetype(entry.get(), file_type(member.kind));
  archive_entry_set_perm(entry.get(), member.mode);
  archive_entry_set_uid(entry.get(), member.uid);
  archive_entry_set_gid(entry.get(), member.gid);
  archive_entry_set_mtime(entry.get(), member.mtime, 0);
  archive_entry_set_ino(entry.get(), ++members_);
  archive_entry_set_nlink(entry.get(), 1);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(member.size));
  if (member.kind == Kind::symlink) archive_entry_set_symlink(entry.get(), member.link.c_str());
  if (member.kind == Kind::character_device || member.kind == Kind::block_device) {
    archive_entry_set_rdevmajor(entry.get(), member.device_major);
    archive_entry_set_rdevminor(entry.get(), member.device_minor);
  }
  if (archive_write_header(handle_.get(), entry.get()) < ARCHIVE_WARN) return cannot_write();
  return {};
}

Result<void> ArchiveWriter::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const la_ssize_t count = archive_write_data(handle_.get(), bytes.data(), bytes.size());
    if (count < 0) return cannot_write();
    if (count == 0) return Error{concat("cannot write ", path_, ": a file has grown while it was read")};
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> ArchiveWriter::add_file(const ArchiveMember& member, const std::string& source) {
  const sys::UniqueFd file(::open(source.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot open ", source), errno);
  if (auto added = add(member); !added) return added;
  std::string buffer(256 * 1024, '\0');
  std::uint64_t total = 0;
  while (true) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0) return errno_error(concat("cannot read ", source), errno);
    if (count == 0) break;
    total += static_cast<std::uint64_t>(count);
    if (auto written = write({buffer.data(), static_cast<std::size_t>(count)}); !written) return written;
  }
  if (total != member.size) return Error{concat("cannot read ", source, ": it has changed meanwhile")};
  return {};
}

Result<void> ArchiveWriter::finish() {
  if (archive_write_close(handle_.get()) != ARCHIVE_OK) return cannot_write();
  return {};
}

Error ArchiveWriter::cannot_write() const {
  const char* cause = archive_error_string(handle_.get());
  return Error{concat("cannot write ", path_, ": ", cause == nullptr ? "libarchive says no more" : cause)};
}

}  // namespace kestrel::hostd
