// A blocking HTTP client over a Unix socket, for command-line programs: the one file of wire/ that uses
// sockets.
//
// One request at a time; the connection is used again for the next. Every wait is bounded by the time-out,
// but for the body of a streamed answer, which may be silent for as long as nothing happens. A signal that
// interrupts a wait is an error with code EINTR. Messages read `cannot reach PATH: <cause>`.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/base/time.h"
#include "kestrel/sys/fd.h"
#include "kestrel/wire/http.h"

namespace kestrel::wire {

class ApiClient {
 public:
  [[nodiscard]] static Result<ApiClient> connect_unix(const std::string& path,
                                                      Duration timeout = seconds(10));

  /// The whole answer, whatever its status. `Host` is added where it is missing. At most 16 MiB of body.
  [[nodiscard]] Result<Response> request(const Request& request);

  /// Hands a successful (2xx) answer's body on as it comes, until its end or until `on_body` says false. What
  /// is returned then has no body. An answer that is not successful is returned whole. Afterwards the
  /// connection is used up.
  [[nodiscard]] Result<Response> stream(const Request& request,
                                        const std::function<bool(std::string_view)>& on_body);

  /// Sends a request with a body of any length, in chunks: `make` appends the next piece to what it is given
  /// and says whether there is more; its error gives the request up. Returns the answer, which may come
  /// before the body was complete. That nothing at all moves for as long as the time-out is an error.
  [[nodiscard]] Result<Response> upload(const Request& head,
                                        const std::function<Result<bool>(std::string& piece)>& make);

  /// Asks for another protocol. Where the answer is 101 the connection speaks that from then on, and is the
  /// caller's together with what has already come on it.
  struct Upgraded {
    Response answer;
    sys::UniqueFd socket;  ///< non-blocking; not open where it was refused
    std::string received;
  };
  [[nodiscard]] Result<Upgraded> upgrade(const Request& request);

  /// The connection, to wait for it together with something else.
  [[nodiscard]] int fd() const { return socket_.get(); }

 private:
  enum class Patience { bounded, endless };

  ApiClient(sys::UniqueFd socket, std::string path, Duration timeout);
  [[nodiscard]] Result<void> send(const Request& request);
  [[nodiscard]] Result<Response> receive_answer();
  /// False: an answer has come before all was sent.
  [[nodiscard]] Result<bool> send_unless_answered(std::string_view bytes);
  /// The next bytes; none at the end of the connection.
  [[nodiscard]] Result<std::string> receive(Patience patience);
  /// What poll() says of the events, or of the end of the connection.
  [[nodiscard]] Result<short> wait_for(short events, Patience patience);
  [[nodiscard]] Error failed(std::string_view cause, int code) const;

  sys::UniqueFd socket_;
  std::string path_;
  Duration timeout_;
  ResponseReader reader_;
};

}  // namespace kestrel::wire
