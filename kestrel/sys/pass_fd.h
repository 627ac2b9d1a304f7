// Open descriptors that go from one process to another over a Unix socket (SCM_RIGHTS, unix(7)).
#pragma once

#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// One message of at most so many bytes, and one descriptor at most.
inline constexpr std::size_t longest_fd_message = 4096;

struct FdMessage {
  std::string bytes;  ///< empty: the other side has closed
  UniqueFd fd;        ///< not open where none came along
};

/// Neither waits: error code EAGAIN where the other side has not taken, or not sent.
[[nodiscard]] Result<void> send_fd(int socket, std::string_view bytes, const UniqueFd& fd);
[[nodiscard]] Result<FdMessage> receive_fd(int socket);

}  // namespace kestrel::sys
