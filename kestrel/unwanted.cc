// Stands in for parts of the static libraries that Kestrel never comes to, but which would bring 200 KB with
// them: the linker takes the first definition it meets.
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

/// libuv asks for home folders by it; with the C library's own come its name services, and the loader that
/// finds their plug-ins. Users are looked up by sys/user_db.
extern "C" int getpwuid_r(uid_t, passwd*, char*, size_t, passwd** found) {
  *found = nullptr;
  return ENOSYS;
}

namespace __gnu_cxx {
/// An exception that nobody catches. The library's own says its type, which takes a demangler.
void __verbose_terminate_handler();
void __verbose_terminate_handler() {
  constexpr std::string_view message = "kestrel: an exception that nobody catches\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, message.data(), message.size());
  std::abort();
}
}  // namespace __gnu_cxx
