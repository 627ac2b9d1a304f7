// The signals that this process ignores. exec would pass that on, so children have to undo it (process.h), and
// asking the kernel about each of the 64 would be most of the system calls of a start.
#pragma once

#include <cstdint>

namespace kestrel::sys {

/// From now on; not in what spawn() starts. The only way to ignore one: sigaction() alone would reach children.
void ignore_signal(int signal);

[[nodiscard]] constexpr std::uint64_t bit_of_signal(int signal) { return std::uint64_t{1} << (signal - 1); }

/// A set of bit_of_signal(): what this process was born with, and what it came to ignore.
[[nodiscard]] std::uint64_t ignored_signals();

}  // namespace kestrel::sys
