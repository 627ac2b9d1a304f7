// A manual page made of a program's command line: it has what `--help` has, of all commands.
#pragma once

#include <string>
#include <string_view>

#include "hostd/completion/command_tree.h"

namespace kestrel::hostd::completion {

/// Of man-pages(7).
struct ManSection {
  int number;
  std::string_view title;
};
inline constexpr ManSection user_commands{1, "User Commands"};
inline constexpr ManSection administration{8, "System Administration"};

/// In the language of groff_man(7).
[[nodiscard]] std::string man_page(const Program& program, ManSection section, std::string_view version);

}  // namespace kestrel::hostd::completion
