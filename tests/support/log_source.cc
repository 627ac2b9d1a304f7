// log_source LINES [LENGTH]: prints that many numbered lines of LENGTH bytes (100), as fast as its reader
// takes them.
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

bool write_all(const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (count <= 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  constexpr std::size_t enough = 64 * 1024;
  const long lines = argc > 1 ? std::atol(argv[1]) : 0;
  const int length = argc > 2 ? std::atoi(argv[2]) : 100;
  const std::string filling(static_cast<std::size_t>(length), '.');
  std::string text;
  for (long i = 1; i <= lines; ++i) {
    char number[24];
    const int digits = std::snprintf(number, sizeof number, "%ld ", i);
    text.append(number).append(filling, 0,
                               static_cast<std::size_t>(length > digits ? length - digits - 1 : 0));
    text.push_back('\n');
    if (text.size() < enough && i < lines) continue;
    if (!write_all(text)) return 1;
    text.clear();
  }
  return 0;
}
