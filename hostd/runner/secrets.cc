#include "hostd/runner/secrets.h"

#include <sys/random.h>

#include <cstdlib>
#include <vector>

namespace kestrel::hostd {

std::string random_hex(std::size_t bytes) {
  constexpr char digits[] = "0123456789abcdef";
  std::vector<unsigned char> random(bytes);
  // Up to 256 bytes come at once and never fail once the kernel is seeded (getrandom(2)).
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(bytes)) std::abort();
  std::string text;
  for (const unsigned char byte : random) {
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

}  // namespace kestrel::hostd
