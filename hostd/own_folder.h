// Where this program lies, and so what was installed with it.
#pragma once

#include <string>

namespace kestrel::hostd {

/// With a slash at its end; a link to the program leads to where the program is.
[[nodiscard]] std::string own_folder();

}  // namespace kestrel::hostd
