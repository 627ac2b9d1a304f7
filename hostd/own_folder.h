// What was built or installed together with this program.
#pragma once

#include <initializer_list>
#include <string>

namespace kestrel::hostd {

/// The first of these paths, as seen from the folder of this program (a link leads to where that is), where
/// something is; empty: nowhere.
[[nodiscard]] std::string find_installed(std::initializer_list<const char*> places);

}  // namespace kestrel::hostd
