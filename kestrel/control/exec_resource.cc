// POST /v1/exec and what can be asked of the execs that there are.
#include <memory>
#include <nlohmann/json.hpp>
#include <utility>

#include "kestrel/base/text.h"
#include "kestrel/control/exec_book.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

using Json = nlohmann::ordered_json;
using Done = LateAnswer::Done;

std::string print(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Json to_json(const Exec::View& exec) {
  const auto& request = *exec.request;
  Json exit;
  if (exec.exit) {
    exit = {{"code", exec.exit->code},
            {"signal", exec.exit->signal},
            {"oom", exec.exit->is_oom_kill},
            {"timeout", exec.exit->is_timeout}};
  }
  return {{"exec_id", exec.id},
          {"command", request.command},
          {"args", request.args},
          {"tty", request.has_terminal},
          {"detached", request.is_detached},
          {"attached", exec.is_attached},
          {"state", exec.exit ? "exited" : "running"},
          {"exit", std::move(exit)},
          {"output", {{"first", exec.first_offset}, {"end", exec.end_offset}}}};
}

bool asks_for_stream(const Call& call) {
  return wire::find_header(call.request.headers, "Upgrade") == wire::stream_protocol;
}

wire::Response upgrade_required() {
  wire::Response response =
      wire::problem(426, concat("what goes in and out needs a stream: say Upgrade: ", wire::stream_protocol));
  response.headers.emplace_back("Upgrade", wire::stream_protocol);
  response.headers.emplace_back("Connection", "Upgrade");
  return response;
}

wire::Response no_execs() { return wire::problem(503, "the guest runs no programs on request"); }

wire::Response no_such_exec(std::string_view id) {
  return wire::problem(404, concat("there is no exec '", printable(id), "'"));
}

std::string stream_head(const std::string& id) {
  return wire::serialize(wire::Response{.status = 101,
                                        .headers = {{"Connection", "Upgrade"},
                                                    {"Upgrade", std::string(wire::stream_protocol)},
                                                    {"Exec-Id", id}},
                                        .body = {}});
}

/// A program is started; what it answers with is known when the program runs or cannot.
class StartAnswer final : public LateAnswer {
 public:
  enum class Becomes { stream, response };

  StartAnswer(ExecBook& book, wire::ExecRequest request, Becomes becomes)
      : state_(std::make_shared<State>(State{&book, becomes, request.is_detached, {}, {}})),
        request_(std::move(request)) {}
  ~StartAnswer() override {
    state_->done = nullptr;
    state_->end_unless_wanted();
  }

  void begin(Done done) override {
    state_->done = std::move(done);
    const bool is_accepted = state_->book->start(
        std::move(request_),
        [state = state_](const std::string& id, const auto& failure) { state->conclude(id, failure); });
    if (!is_accepted) state_->answer(wire::problem(503, "too many programs run on request"));
  }

  void take_over(sys::UniqueFd socket, std::string received) override {
    Exec* exec = state_->book->find(state_->id);
    if (!exec) return;
    const std::string id = std::exchange(state_->id, {});
    exec->attach(std::move(socket), stream_head(id), received, 0);
  }

 private:
  /// Shared with the exec's outcome, which may come after the client has gone.
  struct State {
    ExecBook* book;
    Becomes becomes;
    bool is_detached;
    Done done;
    std::string id;  ///< from the program's start until a client has it

    void answer(std::optional<wire::Response> response) {
      if (const auto call = std::exchange(done, nullptr)) call(std::move(response));
    }
    void conclude(const std::string& started, const std::optional<wire::ExecFailure>& failure) {
      if (failure) return answer(wire::to_response(*failure));
      id = started;
      if (!done) return end_unless_wanted();
      if (becomes == Becomes::stream) return answer(std::nullopt);
      answer(wire::json_response(201, print({{"exec_id", id}})));
    }
    void end_unless_wanted() {
      if (is_detached || id.empty()) return;
      if (Exec* exec = book->find(id)) book->remove(*exec);
    }
  };

  std::shared_ptr<State> state_;
  wire::ExecRequest request_;
};

class AttachAnswer final : public LateAnswer {
 public:
  AttachAnswer(ExecBook& book, std::string id, std::uint64_t offset)
      : book_(&book), id_(std::move(id)), offset_(offset) {}

  void begin(Done done) override { done(std::nullopt); }
  void take_over(sys::UniqueFd socket, std::string received) override {
    if (Exec* exec = book_->find(id_)) exec->attach(std::move(socket), stream_head(id_), received, offset_);
  }

 private:
  ExecBook* book_;
  std::string id_;
  std::uint64_t offset_;
};

}  // namespace

Answer start_exec(const Call& call) {
  ExecBook* book = call.guest.execs();
  if (!book) return no_execs();
  auto request = wire::parse_exec_request(call.request.body);
  if (!request) return wire::problem(400, request.error().message);
  const bool is_stream = asks_for_stream(call);
  if (!is_stream && !request->is_detached) return upgrade_required();
  // Without a client there is nobody yet who could send it anything, or end what it waits for.
  if (!request->has_stdin) request->has_stdin = is_stream;
  return std::make_unique<StartAnswer>(
      *book, std::move(*request), is_stream ? StartAnswer::Becomes::stream : StartAnswer::Becomes::response);
}

Answer list_execs(const Call& call) {
  const ExecBook* book = call.guest.execs();
  if (!book) return no_execs();
  Json execs = Json::array();
  for (const auto& exec : book->list()) execs.push_back(to_json(exec));
  return wire::json_response(200, print({{"execs", std::move(execs)}}));
}

Answer get_exec(const Call& call) {
  ExecBook* book = call.guest.execs();
  const Exec* exec = book ? book->find(call.name) : nullptr;
  if (!exec) return no_such_exec(call.name);
  if (!asks_for_stream(call)) return wire::json_response(200, print(to_json(exec->view())));
  if (!exec->is_detached()) return wire::problem(409, "this exec belongs to the client that started it");
  const auto offset = query_number(call.target, "offset");
  if (!offset) return wire::problem(400, offset.error().message);
  const auto end = exec->view().end_offset;
  if (offset->value_or(0) > end) return wire::problem(400, concat("its output ends at ", end, " so far"));
  return std::make_unique<AttachAnswer>(*book, exec->id(), offset->value_or(0));
}

Answer delete_exec(const Call& call) {
  ExecBook* book = call.guest.execs();
  Exec* exec = book ? book->find(call.name) : nullptr;
  if (!exec) return no_such_exec(call.name);
  book->remove(*exec);
  return empty_response(204);
}

}  // namespace kestrel::control
