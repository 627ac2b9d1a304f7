#include "hostd/cli/run_view.h"

#include <cstdio>

#include "hostd/cli/failure.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/api_reports.h"

namespace kestrel::hostd {

namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

std::string_view title_of(Step step) { return step == Step::vm ? "VM starting" : name_of(step); }

std::string seconds_of(Duration duration) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fs", std::chrono::duration<double>(duration).count());
  return text;
}

}  // namespace

std::string format_step(Step step, Duration since_start) {
  char time[32];
  std::snprintf(time, sizeof time, "[%6.2fs] ", std::chrono::duration<double>(since_start).count());
  return concat(time, title_of(step));
}

RunView::RunView(loop::Loop& loop, const VmSpec& spec, Verbosity verbosity, Outputs outputs)
    : spec_(spec), verbosity_(verbosity), out_(loop, outputs.logs), err_(loop, outputs.steps) {}

void RunView::on_progress(Step step, Duration since_start) {
  if (verbosity_ == Verbosity::quiet) return;
  if (!err_.style().is_interactive) return err_.write(format_step(step, since_start) + "\n");
  // A second try, or a reboot, takes the place of what came before.
  if (step == Step::vm) drop_live_line();
  steps_.push_back(step == Step::vm ? std::string(title_of(step))
                                    : concat(title_of(step), ' ', seconds_of(since_start)));
  show_live_line();
  if (step == Step::healthy) end_live_line();
}

void RunView::on_notice(std::string_view text) {
  hide_live_line();
  err_.write(concat("kestrelctl: ", printable(text), '\n'));
  show_live_line();
}

void RunView::on_event(const wire::EventMessage& event) {
  if (verbosity_ == Verbosity::quiet) return;
  if (event.type == "vm.unhealthy") print("kestrelctl: the guest is unhealthy");
}

void RunView::on_log(const wire::LogMessage& log) {
  hide_live_line();
  out_.write(wire::format_log_line(log.service, log.line, out_.style()));
  show_live_line();
}

void RunView::on_lost_logs(std::uint64_t lines) {
  print(concat("kestrelctl: ", lines, lines == 1 ? " line" : " lines", " of the guest's log lost"));
}

void RunView::on_finish(const Outcome& outcome, const std::deque<std::string>& console) {
  end_live_line();
  err_.write(describe_end(spec_.name, outcome, console));
}

void RunView::print(std::string_view line) {
  hide_live_line();
  err_.write(concat(line, '\n'));
  show_live_line();
}

void RunView::show_live_line() {
  if (steps_.empty() || !err_.style().is_interactive) return;
  err_.write(concat(clear_line, spec_.name, ": ", join(steps_, " → ")));
  is_live_line_shown_ = true;
}

void RunView::hide_live_line() {
  if (is_live_line_shown_) err_.write(clear_line);
  is_live_line_shown_ = false;
}

void RunView::drop_live_line() {
  hide_live_line();
  steps_.clear();
}

void RunView::end_live_line() {
  if (is_live_line_shown_) err_.write("\n");
  is_live_line_shown_ = false;
  steps_.clear();
}

}  // namespace kestrel::hostd
