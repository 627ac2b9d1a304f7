// notify_client VARIABLE=VALUE...: tells $NOTIFY_SOCKET, as sd_notify(3) has it, and waits until that was
// read. `@` as a value is the client's parent's pid. Before the variables:
//   --to ADDRESS   tells that socket instead
//   --as-main      forks, and the child, which stays, tells with MAINPID=; the parent goes when that is sent
//   --keep COUNT   sends the message that often, with a pause of 50 ms
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

[[noreturn]] void fail(const char* what) {
  std::perror(what);
  std::exit(1);
}

int open_socket(const std::string& address) {
  sockaddr_un target{};
  target.sun_family = AF_UNIX;
  std::memcpy(target.sun_path, address.data(), address.size());
  if (address.front() == '@') target.sun_path[0] = '\0';
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + address.size());
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&target), size) < 0) fail("connect");
  return fd;
}

/// BARRIER=1 with a descriptor: the receiver closes it when it has come to it.
void wait_until_read(int socket) {
  int ends[2];
  if (::pipe(ends) < 0) fail("pipe");
  alignas(cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {};
  char text[] = "BARRIER=1";
  iovec piece{text, sizeof text - 1};
  msghdr message{};
  message.msg_iov = &piece;
  message.msg_iovlen = 1;
  message.msg_control = ancillary;
  message.msg_controllen = sizeof ancillary;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int));
  std::memcpy(CMSG_DATA(header), &ends[1], sizeof(int));
  if (::sendmsg(socket, &message, 0) < 0) fail("sendmsg");
  ::close(ends[1]);
  char byte;
  while (::read(ends[0], &byte, 1) > 0) continue;
  ::close(ends[0]);
}

}  // namespace

int main(int argc, char** argv) {
  const char* from_environment = ::getenv("NOTIFY_SOCKET");
  std::string address = from_environment ? from_environment : "";
  std::string text;
  bool is_daemon = false;
  int count = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--to" && i + 1 < argc) {
      address = argv[++i];
    } else if (argument == "--keep" && i + 1 < argc) {
      count = std::atoi(argv[++i]);
    } else if (argument == "--as-main") {
      is_daemon = true;
    } else {
      const bool means_parent = argument.ends_with("=@");
      text += means_parent ? argument.substr(0, argument.size() - 1) + std::to_string(::getppid()) : argument;
      text += '\n';
    }
  }
  if (address.empty()) {
    std::fputs("NOTIFY_SOCKET is not set\n", stderr);
    return 1;
  }
  int sent[2];
  if (::pipe(sent) < 0) fail("pipe");
  if (is_daemon) {
    const bool is_parent = ::fork() > 0;
    ::close(sent[is_parent ? 1 : 0]);
    char byte;
    if (is_parent) return static_cast<int>(::read(sent[0], &byte, 1));
    text += "MAINPID=" + std::to_string(::getpid()) + '\n';
  }
  const int socket = open_socket(address);
  for (int i = 0; i < count; ++i) {
    if (i > 0) ::usleep(50'000);
    if (::send(socket, text.data(), text.size(), 0) < 0) fail("send");
    if (i == 0) ::close(sent[1]);
    wait_until_read(socket);
  }
  while (is_daemon) ::pause();
}
