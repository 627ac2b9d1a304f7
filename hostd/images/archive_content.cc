#include "hostd/images/archive_content.h"

#include <archive.h>

#include <memory>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

Result<std::string> read_decompressed(const std::string& path, Bytes limit) {
  const std::unique_ptr<archive, int (*)(archive*)> handle(archive_read_new(), archive_read_free);
  for (const auto support : {archive_read_support_filter_gzip, archive_read_support_filter_zstd,
                             archive_read_support_filter_xz, archive_read_support_filter_bzip2,
                             archive_read_support_format_raw, archive_read_support_format_empty}) {
    support(handle.get());
  }
  const auto cannot_read = [&] {
    return Error{concat("cannot read ", path, ": ", archive_error_string(handle.get()))};
  };
  archive_entry* entry = nullptr;
  if (archive_read_open_filename(handle.get(), path.c_str(), 64 * 1024) != ARCHIVE_OK) return cannot_read();
  const int begun = archive_read_next_header(handle.get(), &entry);
  if (begun == ARCHIVE_EOF) return std::string();
  if (begun < ARCHIVE_WARN) return cannot_read();
  std::string content;
  std::string buffer(256 * 1024, '\0');
  while (true) {
    const la_ssize_t count = archive_read_data(handle.get(), buffer.data(), buffer.size());
    if (count < 0) return cannot_read();
    if (count == 0) return content;
    content.append(buffer, 0, static_cast<std::size_t>(count));
    if (content.size() > limit.count) return Error{concat("cannot read ", path, ": it is too big")};
  }
}

}  // namespace kestrel::hostd
