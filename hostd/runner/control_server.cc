#include "hostd/runner/control_server.h"

#include <algorithm>
#include <cerrno>

#include "hostd/records/record_reader.h"
#include "hostd/runner/record_body.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

namespace {

/// Its clients are this user's own.
constexpr HttpLimits limits{64, kibibytes(64), seconds(10), hours(1)};
constexpr std::int64_t most_lines = 100'000;
/// What a follower still gets at the end, however slow it is.
constexpr std::size_t most_at_end = 4 * 1024 * 1024;

bool is_on(std::optional<std::string_view> value) { return value && *value != "0" && *value != "false"; }

Result<RecordFilter> read_filter(const wire::Target& target, std::uint64_t last_seq) {
  RecordFilter filter;
  if (const auto after = target.find("after")) {
    const auto number = parse_integer(*after);
    if (!number || *number < 0) return Error{"`after` is not the number of a record"};
    filter.after = static_cast<std::uint64_t>(*number);
    if (*filter.after > last_seq) {
      return Error{concat("after=", *number, " is beyond the last record, ", last_seq,
                          ": the numbers begin anew with every run")};
    }
  }
  if (const auto lines = target.find("lines"); lines && *lines != "all") {
    const auto number = parse_integer(*lines);
    if (!number || *number < 0) return Error{"`lines` is not a number of lines"};
    filter.last = static_cast<std::size_t>(std::min(*number, most_lines));
  }
  if (const auto service = target.find("service")) filter.service = *service;
  return filter;
}

PauseAnswer answer_to(const Responder& responder) {
  return [responder](const Result<std::string>& result) {
    if (result) return responder.answer(wire::json_response(200, *result));
    responder.answer(wire::problem(result.error().code == EBUSY ? 409 : 504, result.error().message));
  };
}

}  // namespace

ControlServer::ControlServer(loop::Loop& loop, ControlTarget& target)
    : target_(target),
      server_(loop, limits, [this](const wire::Request& request, const Responder& responder) {
        handle(request, responder);
      }) {}

Result<void> ControlServer::listen(const std::string& path) {
  auto socket = sys::listen_unix(path, 0600);
  if (!socket) return socket.error();
  // Its permissions say who may call.
  server_.listen(std::move(*socket), [](const wire::Request&, int) { return std::nullopt; });
  return {};
}

void ControlServer::finish(const Outcome& outcome) {
  // Who comes only now finds the files.
  for (const Responder& waiting : waiting_) waiting.answer(wire::json_response(200, to_json(outcome)));
  server_.finish(most_at_end);
}

void ControlServer::handle(const wire::Request& request, const Responder& responder) {
  const auto target = wire::parse_target(request.target);
  if (!target) return responder.answer(wire::problem(400, target.error().message));
  const auto asks_for = [&](std::string_view method, std::string_view path) {
    return request.method == method && target->path == path;
  };
  if (asks_for("GET", "/v1/vm")) return responder.answer(wire::json_response(200, target_.status_json()));
  if (asks_for("POST", "/v1/stop")) return stop(*target, responder);
  if (asks_for("POST", "/v1/pause")) return target_.pause(answer_to(responder));
  if (asks_for("POST", "/v1/resume")) return target_.resume(answer_to(responder));
  if (asks_for("GET", "/v1/logs")) return list(*target, target_.logs(), responder);
  if (asks_for("GET", "/v1/events")) return list(*target, target_.events(), responder);
  responder.answer(wire::problem(404, concat("there is no ", request.method, ' ', target->path)));
}

void ControlServer::stop(const wire::Target& target, const Responder& responder) {
  const bool waits = is_on(target.find("wait"));
  // It may be over before stop() returns.
  if (waits) waiting_.push_back(responder);
  const auto stopping = target_.stop(is_on(target.find("force")) ? StopRequested::Urgency::immediate
                                                                 : StopRequested::Urgency::orderly);
  if (!stopping) responder.answer(wire::problem(409, stopping.error().message));
  if (stopping && !waits) responder.answer(wire::json_response(202, "{}"));
}

void ControlServer::list(const wire::Target& target, RecordLog& log, const Responder& responder) {
  const std::string& runtime_id = target_.runtime_id();
  if (const auto wanted = target.find("runtime_id"); wanted && *wanted != runtime_id) {
    return responder.answer(
        wire::problem(409, concat("this is another run, ", runtime_id, ": its records begin anew")));
  }
  const auto filter = read_filter(target, log.last_seq());
  if (!filter) return responder.answer(wire::problem(400, filter.error().message));
  wire::Response head;
  head.headers.emplace_back("Content-Type", "application/x-ndjson");
  head.headers.emplace_back("Runtime-Id", runtime_id);
  responder.stream(head, std::make_unique<RecordBody>(RecordReader(log.path(), log.files(), *filter),
                                                      is_on(target.find("follow")) ? &log : nullptr));
}

}  // namespace kestrel::hostd
