// How a connection that the host opens begins, before its bytes flow.
#pragma once

#include <functional>

#include "hostd/vsock/device.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd::vsock {

struct Opening {
  enum class Greeting { none, ok_line };
  Greeting greeting = Greeting::none;  ///< `OK <host port>\n` to the host, once the guest has accepted
  Preamble preamble = {};
  std::function<void(Result<void>)> done = {};  ///< told once; optional
};

}  // namespace kestrel::hostd::vsock
