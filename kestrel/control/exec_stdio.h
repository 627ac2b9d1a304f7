// A program's standard input and output: three pipes, or a terminal.
#pragma once

#include "kestrel/base/result.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/exec_messages.h"

namespace kestrel::control {

/// The program's ends. Input that is not open is /dev/null. Of a terminal it is one descriptor for all three,
/// the input.
struct ChildStdio {
  sys::UniqueFd input;
  sys::UniqueFd output;
  sys::UniqueFd error;
  bool is_terminal = false;
};

/// Our ends, non-blocking. Of a terminal there is no error, and input and output are the same.
struct ExecStdio {
  sys::UniqueFd input;
  sys::UniqueFd output;
  sys::UniqueFd error;
  ChildStdio child;
};
[[nodiscard]] Result<ExecStdio> open_exec_stdio(const wire::ExecRequest& request);

}  // namespace kestrel::control
