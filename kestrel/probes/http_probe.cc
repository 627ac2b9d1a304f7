#include <algorithm>
#include <optional>

#include "kestrel/base/text.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/stream.h"
#include "kestrel/loop/timer.h"
#include "kestrel/probes/kinds.h"
#include "kestrel/probes/pattern.h"
#include "kestrel/probes/target.h"
#include "kestrel/wire/http.h"

namespace kestrel::probes {

namespace {

/// Of a body. Who sends more is not read further.
constexpr std::size_t looked_at = 64 * 1024;

wire::Request request_of(const config::HttpProbe& probe) {
  wire::Request request{.method = probe.method,
                        .target = probe.path,
                        .headers = probe.headers,
                        .body = {},
                        .keep_alive = false};
  if (!wire::find_header(request.headers, "Host")) {
    request.headers.emplace_back("Host", authority(probe.host, probe.port));
  }
  request.headers.emplace_back("User-Agent", "kestrel-probe");
  return request;
}

bool is_expected(const config::HttpProbe& probe, int status) {
  const auto& expected = probe.expect_status;
  if (expected.empty()) return status >= 200 && status <= 399;
  return std::find(expected.begin(), expected.end(), status) != expected.end();
}

/// nullopt: all is well.
std::optional<std::string> complaint_about(const config::HttpProbe& probe, int status,
                                           std::string_view body) {
  if (!is_expected(probe, status)) return concat(" answered ", status);
  if (probe.expect_body.empty()) return std::nullopt;
  const auto pattern = Pattern::create(probe.expect_body);
  if (!pattern) return concat(": ", pattern.error().message);
  if (!pattern->is_in(body)) return concat(" answered without '", probe.expect_body, "'");
  return std::nullopt;
}

class HttpProbing final : public Probing {
 public:
  HttpProbing(loop::Loop& loop, const config::HttpProbe& probe, Done done)
      : loop_(&loop),
        probe_(&probe),
        name_(concat(probe.method, " http://", authority(probe.host, probe.port), probe.path)),
        done_(std::move(done)) {
    auto socket = connect_to(probe.host, probe.port);
    if (!socket) {
      failure_ = loop::Timer(loop, [this, cause = cause_of(socket.error())] { fail(concat(": ", cause)); });
      failure_.arm(Duration::zero());
      return;
    }
    connector_ =
        loop::Connector(loop, std::move(*socket), connect_limit, [this](Result<sys::UniqueFd> connected) {
          if (!connected) return fail(concat(": ", cause_of(connected.error())));
          ask(std::move(*connected));
        });
  }

 private:
  void ask(sys::UniqueFd socket) {
    stream_ = loop::Stream(*loop_, std::move(socket),
                           {.on_data = [this](std::string_view bytes) { hear(bytes); },
                            .on_end = [this](const Error* error) { hear_end(error); },
                            .on_drained = {}});
    stream_.start_reading();
    stream_.write(wire::serialize(request_of(*probe_)));
  }

  void hear(std::string_view bytes) {
    auto body = answer_.feed(bytes);
    if (!body) return fail(concat(": ", body.error().message));
    body_ += *body;
    const bool is_enough = answer_.is_done() || body_.size() >= looked_at || probe_->method == "HEAD";
    if (answer_.head() && is_enough) judge();
  }

  void hear_end(const Error* error) {
    if (error != nullptr) return fail(concat(": ", cause_of(*error)));
    if (!answer_.head()) return fail(": closed without an answer");
    if (auto whole = answer_.finish(); !whole) return fail(": closed in the middle of its answer");
    judge();
  }

  void judge() {
    body_.resize(std::min(body_.size(), looked_at));
    const int status = answer_.head()->status;
    if (const auto complaint = complaint_about(*probe_, status, body_)) return fail(*complaint);
    conclude({true, concat(name_, " answered ", status)});
  }

  void fail(std::string_view what) { conclude({false, concat(name_, what)}); }

  /// Nothing follows: the connection is closed first. The call may destroy us.
  void conclude(const ProbeResult& result) {
    stream_ = {};
    const auto done = std::move(done_);
    done(result);
  }

  loop::Loop* loop_;
  const config::HttpProbe* probe_;
  std::string name_;
  Done done_;
  wire::StreamedResponseReader answer_;
  std::string body_;
  loop::Connector connector_;
  loop::Stream stream_;
  loop::Timer failure_;
};

}  // namespace

std::unique_ptr<Probing> start_http_probe(loop::Loop& loop, const config::HttpProbe& probe, Done done) {
  return std::make_unique<HttpProbing>(loop, probe, std::move(done));
}

}  // namespace kestrel::probes
