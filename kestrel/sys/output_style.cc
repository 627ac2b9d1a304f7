#include "kestrel/sys/output_style.h"

#include <unistd.h>

#include <cstdlib>
#include <string_view>

namespace kestrel::sys {

namespace {

bool wants_colours() {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return (no_colour == nullptr || *no_colour == '\0') && term != nullptr && std::string_view(term) != "dumb";
}

}  // namespace

OutputStyle output_style_of(int fd) {
  const bool is_interactive = ::isatty(fd) == 1;
  return {is_interactive, is_interactive && wants_colours()};
}

}  // namespace kestrel::sys
