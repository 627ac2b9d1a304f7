// How deep strangers' JSON may be nested.
#pragma once

#include <string_view>

namespace kestrel::wire {

/// False for what has more than 32 arrays and objects in each other, more than any message of ours. The
/// library copies, compares and prints what it has read by recursion: a text of nothing but brackets would be
/// the end of the stack. To be asked before a stranger's text is parsed; whether it is JSON at all is not
/// looked at.
[[nodiscard]] bool is_shallow_json(std::string_view text);

}  // namespace kestrel::wire
