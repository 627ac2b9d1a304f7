// What the methods of /v1/files have in common: where a request's path leads, and how errors are told.
//
// All of it runs on the loop's one thread. PID 1 has no others, and a pool would not be worth the first one:
// what goes through the page cache takes microseconds. So files are read in pieces of 128 KiB, of
// which a connection gets a few in a turn of the loop; folders are walked and trees removed in steps; and
// what is written is sent to the disk while the rest still comes, so that the fsync() at the end is short. A
// disk that hangs does hang the guest's supervisor, as it would one that has to load a binary from it.
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/control/answer.h"
#include "kestrel/sys/folder.h"

namespace kestrel::control {

/// `?path=` and `?root=`.
struct FilePath {
  std::string path;
  sys::Folder folder;  ///< where it begins: the root of all, or of what it is confined to
};

/// An error where they make no sense (EINVAL) or the root is not there.
[[nodiscard]] Result<FilePath> read_file_path(const wire::Target& target);

/// The problem with the status that fits the error's code.
[[nodiscard]] wire::Response file_problem(const Error& error);

/// Whether a header names the media type of tar archives.
[[nodiscard]] bool names_tar(const wire::Headers& headers, std::string_view header);

}  // namespace kestrel::control
