// Where a guest's API is reached, and how it is told that there is none.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"

namespace kestrel::hostd {

/// `cannot <verb> <name>: …` on stderr, with the nearest name or the way to find one; the exit status.
int no_such_vm(std::string_view verb, const std::string& name);
/// The same for one that may have run once.
int not_running(std::string_view verb, const std::string& name);

/// The socket of the API of the VM of that name, or PATH of `unix:PATH`, which is any kestrel's. nullopt: it
/// has been told why there is none, or why it would not answer, with `verb` as above.
[[nodiscard]] std::optional<std::string> locate_guest_api(std::string_view verb, const std::string& vm);

/// Whether its runner says that it is paused.
[[nodiscard]] bool is_paused(const std::string& vm);

/// The body of its answer to a GET; any other status than 200 is an error.
[[nodiscard]] Result<std::string> ask_api(const std::string& socket, std::string target, Duration patience);

}  // namespace kestrel::hostd
