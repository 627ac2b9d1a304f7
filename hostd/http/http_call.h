// One request to an API behind a Unix socket, asked from the loop: answered whole, or followed as it comes.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/loop/loop.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

/// The requests that somebody has under way. Destroying it cancels them all.
class HttpCalls {
 public:
  explicit HttpCalls(loop::Loop& loop) : loop_(loop) {}
  ~HttpCalls();
  HttpCalls(const HttpCalls&) = delete;
  HttpCalls& operator=(const HttpCalls&) = delete;

  /// `done` is called once, from the loop: with the answer, or with why there is none (code ETIMEDOUT after
  /// `limit`; connect()'s where nobody listens). It may destroy this.
  void ask(const std::string& socket_path, wire::Request request, Duration limit,
           std::function<void(Result<wire::Response>)> done);

 private:
  struct Call;
  loop::Loop& loop_;
  std::list<std::shared_ptr<Call>> calls_;
};

struct FollowCallbacks {
  /// Status and headers, once; `peer` is the process that answers.
  std::function<void(const wire::Response& head, int peer_pid)> on_head;
  /// The body, in pieces that may end anywhere. Not called where the status is no success.
  std::function<void(std::string_view bytes)> on_body;
  /// Once, last: the answer is complete, or broke off.
  std::function<void(const Error* error)> on_end;
};

/// The same for an answer without an end. Destroying it cancels it, also from inside a callback.
class HttpFollow {
 public:
  /// The head has to be there within `limit`; the body may be silent for as long as nothing happens.
  HttpFollow(loop::Loop& loop, const std::string& socket_path, wire::Request request, Duration limit,
             FollowCallbacks callbacks);
  ~HttpFollow();
  HttpFollow(const HttpFollow&) = delete;
  HttpFollow& operator=(const HttpFollow&) = delete;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace kestrel::hostd
