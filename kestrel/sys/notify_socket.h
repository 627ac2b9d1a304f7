// The receiving end of sd_notify(3): a Unix datagram socket that knows who sends.
//
// Its name is abstract and given by the kernel (unix(7), "autobind"): it is unique, there is no file whose
// owner or folder could keep a service's user from it, and nothing of it stays behind. Anybody of the network
// namespace may send to it, so a message is worth as much as its sender.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"

namespace kestrel::sys {

/// No message is longer; what is, arrives cut.
inline constexpr std::size_t longest_notification = 64 * 1024;

struct Notification {
  pid_t sender = 0;  ///< as of when it was sent; 0: of another pid namespace
  std::string text;
  bool is_cut = false;
};

class NotifySocket {
 public:
  [[nodiscard]] static Result<NotifySocket> open();

  [[nodiscard]] int fd() const { return socket_.get(); }
  /// As NOTIFY_SOCKET has it: `@` and the abstract name.
  [[nodiscard]] const std::string& address() const { return address_; }
  /// The next message; nullopt: none is there. Descriptors that came with it are closed, as sd_notify(3) has
  /// it for all but what we do not offer (and what a sender waits for with BARRIER=1).
  [[nodiscard]] std::optional<Notification> receive();

 private:
  NotifySocket(UniqueFd socket, std::string address)
      : socket_(std::move(socket)), address_(std::move(address)) {}

  UniqueFd socket_;
  std::string address_;
};

}  // namespace kestrel::sys
