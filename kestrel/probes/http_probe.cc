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

constexpr Bytes looked_at = kibibytes(64);

wire::Request request_of(const config::HttpProbe& probe) {
  wire::Request request{.method = probe.method,
                        .target = probe.path,
                        .headers = probe.headers,
                        .body = {},
                        .keep_alive = false};
  if (!wire::find_header(request.headers, "Host")) {
    request.headers.emplace_back("Host", concat(probe.host, ":", probe.port));
  }
  request.headers.emplace_back("User-Agent", "kestrel-probe");
  return request;
}

/// nullopt: all is well.
std::optional<std::string> complaint_about(const config::HttpProbe& probe, const wire::Response& answer) {
  const auto& expected = probe.expect_status;
  const bool is_expected = expected.empty()
                               ? answer.status >= 200 && answer.status <= 399
                               : std::find(expected.begin(), expected.end(), answer.status) != expected.end();
  if (!is_expected) return concat(" answered ", answer.status);
  if (probe.expect_body.empty()) return std::nullopt;
  const auto pattern = Pattern::create(probe.expect_body);
  if (!pattern) return concat(": ", pattern.error().message);
  if (!pattern->is_in(answer.body)) return concat(" answered without '", probe.expect_body, "'");
  return std::nullopt;
}

class HttpProbing final : public Probing {
 public:
  HttpProbing(loop::Loop& loop, const config::HttpProbe& probe, Done done)
      : loop_(&loop),
        probe_(&probe),
        name_(concat(probe.method, " http://", probe.host, ":", probe.port, probe.path)),
        done_(std::move(done)),
        reader_(looked_at) {
    auto socket = connect_to(probe.host, probe.port);
    if (!socket) {
      failure_ = loop::Timer(loop, [this, cause = socket.error().message] { fail(concat(": ", cause)); });
      failure_.arm(Duration::zero());
      return;
    }
    if (probe.method == "HEAD") reader_.expect_no_body();
    connector_ =
        loop::Connector(loop, std::move(*socket), connect_limit, [this](Result<sys::UniqueFd> connected) {
          if (!connected) return fail(concat(": ", connected.error().message));
          ask(std::move(*connected));
        });
  }

 private:
  void ask(sys::UniqueFd socket) {
    stream_ = loop::Stream(*loop_, std::move(socket),
                           {.on_data = [this](std::string_view bytes) { hear(reader_.feed(bytes)); },
                            .on_end =
                                [this](const Error* error) {
                                  if (error) return fail(concat(": ", error->message));
                                  hear_end(reader_.finish());
                                },
                            .on_drained = {}});
    stream_.start_reading();
    stream_.write(wire::serialize(request_of(*probe_)));
  }

  void hear(const Result<std::optional<wire::Response>>& answer) {
    if (!answer) return fail(concat(": ", answer.error().message));
    if (*answer) judge(**answer);
  }

  void hear_end(const Result<std::optional<wire::Response>>& answer) {
    if (answer && !*answer) return fail(": closed without an answer");
    hear(answer);
  }

  void judge(const wire::Response& answer) {
    if (const auto complaint = complaint_about(*probe_, answer)) return fail(*complaint);
    conclude({true, concat(name_, " answered ", answer.status)});
  }

  void fail(std::string_view what) { conclude({false, concat(name_, what)}); }

  /// The last thing that is done here: it may destroy us.
  void conclude(const ProbeResult& result) {
    const auto done = std::move(done_);
    done(result);
  }

  loop::Loop* loop_;
  const config::HttpProbe* probe_;
  std::string name_;
  Done done_;
  wire::ResponseReader reader_;
  loop::Connector connector_;
  loop::Stream stream_;
  loop::Timer failure_;
};

}  // namespace

std::unique_ptr<Probing> start_http_probe(loop::Loop& loop, const config::HttpProbe& probe, Done done) {
  return std::make_unique<HttpProbing>(loop, probe, std::move(done));
}

}  // namespace kestrel::probes
