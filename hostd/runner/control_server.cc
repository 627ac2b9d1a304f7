#include "hostd/runner/control_server.h"

#include <algorithm>
#include <cerrno>

#include "hostd/records/record_reader.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/stream.h"
#include "kestrel/sys/socket.h"
#include "kestrel/wire/http.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t most_connections = 64;
/// What is on its way to a client before more is read for it.
constexpr std::size_t high_water = 256 * 1024;
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

}  // namespace

/// One client: reads requests, answers one after another; a list in progress is pumped as the client takes
/// it.
class ControlServer::Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(ControlServer& server, sys::UniqueFd socket)
      : server_(server),
        requests_(kibibytes(64)),
        stream_(server.loop_, std::move(socket),
                {.on_data = [this](std::string_view bytes) { receive(bytes); },
                 .on_end = [this](const Error*) { server_.drop(*this); },
                 .on_drained = [this] { pump(); }}) {
    stream_.start_reading();
  }
  ~Connection() { end_list(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void finish(const Outcome& outcome) {
    if (waits_for_end_) answer(wire::json_response(200, to_json(outcome)));
    if (list_) {
      std::size_t sent = 0;
      for (std::string more = list_->reader.read_some(); !more.empty() && sent < most_at_end;
           more = list_->reader.read_some()) {
        sent += more.size();
        stream_.write(wire::chunk(more));
      }
      stream_.write(std::string(wire::last_chunk()));
      end_list();
    }
    stream_.close_after_flush();
  }

 private:
  struct List {
    RecordReader reader;
    RecordLog& log;
    bool follows;
    RecordLog::ListenerId listener = 0;
  };

  void receive(std::string_view bytes) {
    // Who sends more while it waits for an answer breaks nothing, but gets nothing either.
    if (waits_for_end_ || waits_for_pause_ || list_) return;
    const auto request = requests_.feed(bytes);
    if (!request) return refuse(request.error());
    if (*request) handle(**request);
  }

  void handle(const wire::Request& request) {
    const auto target = wire::parse_target(request.target);
    if (!target) return answer(wire::problem(400, target.error().message));
    if (request.method == "GET" && target->path == "/v1/vm") {
      return answer(wire::json_response(200, server_.target_.status_json()));
    }
    if (request.method == "POST" && target->path == "/v1/stop") return stop(*target);
    if (request.method == "POST" && target->path == "/v1/pause")
      return server_.target_.pause(answer_of_pause());
    if (request.method == "POST" && target->path == "/v1/resume")
      return server_.target_.resume(answer_of_pause());
    if (request.method == "GET" && target->path == "/v1/logs")
      return start_list(*target, server_.target_.logs());
    if (request.method == "GET" && target->path == "/v1/events")
      return start_list(*target, server_.target_.events());
    answer(wire::problem(404, concat("there is no ", request.method, ' ', target->path)));
  }

  void stop(const wire::Target& target) {
    waits_for_end_ = is_on(target.find("wait"));
    const auto stopping = server_.target_.stop(is_on(target.find("force")) ? StopRequested::Urgency::immediate
                                                                           : StopRequested::Urgency::orderly);
    if (!stopping) {
      waits_for_end_ = false;
      return answer(wire::problem(409, stopping.error().message));
    }
    if (!waits_for_end_) answer(wire::json_response(202, "{}"));
  }

  PauseAnswer answer_of_pause() {
    waits_for_pause_ = true;
    return [weak = weak_from_this()](const Result<std::string>& result) {
      const auto alive = weak.lock();
      if (!alive) return;
      alive->waits_for_pause_ = false;
      if (result) return alive->answer(wire::json_response(200, *result));
      alive->answer(wire::problem(result.error().code == EBUSY ? 409 : 504, result.error().message));
    };
  }

  void start_list(const wire::Target& target, RecordLog& log) {
    const std::string& runtime_id = server_.target_.runtime_id();
    if (const auto wanted = target.find("runtime_id"); wanted && *wanted != runtime_id) {
      return answer(
          wire::problem(409, concat("this is another run, ", runtime_id, ": its records begin anew")));
    }
    const auto filter = read_filter(target, log.last_seq());
    if (!filter) return answer(wire::problem(400, filter.error().message));
    wire::Response head;
    head.headers.emplace_back("Content-Type", "application/x-ndjson");
    head.headers.emplace_back("Runtime-Id", runtime_id);
    stream_.write(wire::serialize_chunked_head(head));
    list_.reset(new List{RecordReader(log.path(), log.files(), *filter), log, is_on(target.find("follow"))});
    if (list_->follows) list_->listener = log.listen([this] { pump(); });
    pump();
  }

  void pump() {
    while (list_ && stream_.queued_bytes() < high_water) {
      const std::string more = list_->reader.read_some();
      if (!more.empty()) {
        stream_.write(wire::chunk(more));
        continue;
      }
      if (list_->follows) return;
      stream_.write(std::string(wire::last_chunk()));
      end_list();
    }
  }

  void end_list() {
    if (list_ && list_->listener != 0) list_->log.forget(list_->listener);
    list_.reset();
  }

  void answer(const wire::Response& response) { stream_.write(wire::serialize(response)); }

  void refuse(const Error& error) {
    answer(wire::problem(400, error.message));
    stream_.close_after_flush();
    server_.drop(*this);
  }

  ControlServer& server_;
  wire::RequestReader requests_;
  std::unique_ptr<List> list_;
  bool waits_for_end_ = false;
  bool waits_for_pause_ = false;
  loop::Stream stream_;
};

ControlServer::ControlServer(loop::Loop& loop, ControlTarget& target) : loop_(loop), target_(target) {}
ControlServer::~ControlServer() = default;

Result<void> ControlServer::listen(const std::string& path) {
  auto socket = sys::listen_unix(path, 0600);
  if (!socket) return socket.error();
  listener_ = loop::Listener(loop_, std::move(*socket),
                             [this](sys::UniqueFd accepted) { accept(std::move(accepted)); });
  return {};
}

void ControlServer::accept(sys::UniqueFd socket) {
  if (connections_.size() >= most_connections) return;
  connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
}

void ControlServer::drop(Connection& connection) {
  // It is on the stack below us.
  auto gone = connection.shared_from_this();
  connections_.remove(gone);
  loop_.post([gone = std::move(gone)] {});
}

void ControlServer::finish(const Outcome& outcome) {
  // Who comes only now finds the files.
  listener_ = {};
  for (const auto& connection : connections_) connection->finish(outcome);
  connections_.clear();
}

}  // namespace kestrel::hostd
