#include "hostd/runner/pipe_observer.h"

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "hostd/runner/control_server.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

std::string dump(const json& document) {
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

}  // namespace

void PipeObserver::on_progress(Step step, Duration since_start) {
  write(dump({{"step", name_of(step)}, {"at_ms", to_ms(since_start)}}));
}

void PipeObserver::on_notice(std::string_view text) { write(dump({{"notice", text}})); }

void PipeObserver::on_finish(const Outcome& outcome, const std::deque<std::string>& console) {
  write(dump({{"ended", json::parse(to_json(outcome))}, {"console", console}}));
}

void PipeObserver::write(std::string line) {
  line.push_back('\n');
  // Few and short lines: they fit the pipe even where nobody reads. After a failure nobody ever will.
  if (fd_ >= 0 && ::write(fd_, line.data(), line.size()) < 0) fd_ = -1;
}

Result<PipeMessage> parse_pipe_message(std::string_view line) {
  const json document = json::parse(line, nullptr, false);
  if (!document.is_object()) return Error{"cannot read the runner's progress: it is not JSON"};
  PipeMessage message;
  if (const auto step = document.find("step"); step != document.end() && step->is_string()) {
    message.step = step->get<std::string>();
    message.at = milliseconds(document.value("at_ms", std::int64_t{0}));
  }
  if (const auto notice = document.find("notice"); notice != document.end() && notice->is_string()) {
    message.notice = notice->get<std::string>();
  }
  if (const auto ended = document.find("ended"); ended != document.end()) {
    auto outcome = parse_outcome(dump(*ended));
    if (!outcome) return outcome.error();
    message.ended = std::move(*outcome);
    for (const json& console_line : document.value("console", json::array())) {
      if (console_line.is_string()) message.console.push_back(console_line.get<std::string>());
    }
  }
  return message;
}

std::optional<Step> parse_step(std::string_view name) {
  for (const Step step : {Step::vm, Step::kernel, Step::kestrel, Step::services, Step::healthy}) {
    if (name == name_of(step)) return step;
  }
  return std::nullopt;
}

}  // namespace kestrel::hostd
