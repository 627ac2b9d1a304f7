#include "hostd/cli/top_command.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <thread>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/cli/terminal_mode.h"
#include "hostd/cli/top_view.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/output_style.h"

namespace kestrel::hostd {

namespace {

/// A guest that does not answer must not keep the others from being shown.
constexpr Duration answer_time = seconds(2);
/// ECMA-48: to the first line; the rest of a line, of the screen, is erased.
constexpr std::string_view to_top = "\x1b[H", erase_line = "\x1b[K", erase_below = "\x1b[J";

VmLoad look_at(const std::string& name) {
  VmLoad vm{.name = name, .at = {}, .problem = {}, .services = {}};
  const auto json = ask_api(concat(vm_dir(name), '/', api_socket), "/v1/services", answer_time);
  vm.at = sys::monotonic_now();
  auto loads = json ? parse_loads(*json) : json.error();
  if (loads) {
    vm.services = std::move(*loads);
  } else {
    vm.problem = loads.error().message;
  }
  return vm;
}

LoadPicture take_picture(const std::vector<std::string>& names) {
  LoadPicture picture;
  for (const std::string& name : names.empty() ? known_vms() : names) {
    if (is_running(name)) picture.push_back(look_at(name));
  }
  return picture;
}

/// Over what was on the screen before, line by line, so that nothing flickers.
std::string as_screen(std::string_view text) {
  std::string screen(to_top);
  for (const std::string_view line : split(text.substr(0, text.find_last_not_of('\n') + 1), '\n'))
    screen += concat(line, erase_line, '\n');
  return screen + std::string(erase_below);
}

bool show(std::string_view text) {
  return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
}

int show_for_ever(const TopOptions& options, Duration interval, LoadPicture before) {
  const OutputStyle style = sys::output_style_of(STDOUT_FILENO);
  const auto colours = style.has_colours ? Table::Colours::on : Table::Colours::off;
  while (true) {
    std::this_thread::sleep_for(interval);
    LoadPicture now = take_picture(options.names);
    std::optional<std::size_t> rows;
    if (const auto size = style.is_interactive ? terminal_size(STDOUT_FILENO) : std::nullopt)
      rows = size->rows - 1;  // the cursor stands in the last
    const std::string text = top_table(before, now, colours, rows);
    if (!show(style.is_interactive ? as_screen(text) : concat(text, '\n'))) return 0;
    if (now.empty()) return 0;
    before = std::move(now);
  }
}

}  // namespace

int top_command(const TopOptions& options) {
  const auto interval =
      options.interval.empty() ? std::optional<Duration>(seconds(1)) : parse_duration(options.interval);
  if (!interval || *interval <= Duration::zero())
    return fail(ExitCode::usage, concat("cannot use --interval `", options.interval,
                                        "`: it is not a length of time such as 2s"));
  for (const std::string& name : options.names) {
    if (!is_running(name)) return not_running("show the load of", name);
  }
  LoadPicture before = take_picture(options.names);
  if (!options.is_once && options.format == OutputFormat::table)
    return show_for_ever(options, *interval, std::move(before));
  if (!before.empty()) std::this_thread::sleep_for(*interval);
  const LoadPicture now = take_picture(options.names);
  const auto colours =
      sys::output_style_of(STDOUT_FILENO).has_colours ? Table::Colours::on : Table::Colours::off;
  show(options.format == OutputFormat::table ? top_table(before, now, colours)
                                             : in_format(options.format, top_json(before, now)));
  return 0;
}

int metrics_command(const std::string& vm) {
  const auto socket = locate_guest_api("read the metrics of", vm);
  if (!socket) return to_status(ExitCode::host_error);
  const auto text = ask_api(*socket, "/v1/metrics", seconds(10));
  if (!text)
    return fail(ExitCode::host_error, concat("cannot read the metrics of ", vm, ": ", text.error().message));
  show(*text);
  return 0;
}

}  // namespace kestrel::hostd
