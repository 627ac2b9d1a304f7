// What a tree is filled from: files and folders of this host, and archives.
#pragma once

#include <string>
#include <string_view>

#include "hostd/build/spool.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// A folder with all that is in it, or one file, at `place` of the tree; `place` is empty for the top. All of
/// it belongs to root, and only root may write to it, whatever the umask was of who made the folder; what
/// everybody may write to and has the sticky bit stays so. Sockets are left out.
[[nodiscard]] Result<void> add_from_host(Tree& tree, const std::string& path, std::string_view place);

/// All members of an archive (images/archive_reader.h), with their owners and modes. The bytes of files are
/// kept in the spool, which has to outlive the tree.
[[nodiscard]] Result<void> add_archive(Tree& tree, const std::string& path, Spool& spool);

/// A member as an entry of a tree; a hard link is one to what `tree` has by the name that it points to.
[[nodiscard]] Result<TreeEntry> entry_of(const ArchiveMember& member, ArchiveReader& reader, const Tree& tree,
                                         Spool& spool);

}  // namespace kestrel::hostd
