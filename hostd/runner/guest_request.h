// One request of the runner itself to the guest's API, on a connection of its own.
#pragma once

#include <functional>
#include <string>

#include "hostd/runner/guest_dialer.h"
#include "kestrel/loop/loop.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

/// POST /v1/power: the guest is to shut down.
[[nodiscard]] wire::Request power_off_request();

class GuestRequest {
 public:
  /// `done` is called once, from the loop: with the answer, or with why there is none (code ETIMEDOUT after
  /// `limit`, ECONNRESET where the connection ended first). Destroying the request cancels it.
  GuestRequest(loop::Loop& loop, GuestDialer& dialer, std::string_view token, const wire::Request& request,
               Duration limit, std::function<void(Result<wire::Response>)> done);
  ~GuestRequest();
  GuestRequest(const GuestRequest&) = delete;
  GuestRequest& operator=(const GuestRequest&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kestrel::hostd
