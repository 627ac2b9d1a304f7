#include "kestrel/app/reload_command.h"

#include <unistd.h>

#include <cstdio>

#include "kestrel/app/api_caller.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/output_style.h"
#include "kestrel/wire/reload_report.h"

namespace kestrel::app {

namespace {

void print_problems(const std::vector<wire::ConfigProblem>& problems, const std::string& file) {
  for (const auto& [line, column, message] : problems) {
    const auto text = config::describe({line, column, message}, file);
    std::fprintf(stderr, "%s\n", printable(text).c_str());
  }
  std::fprintf(stderr, "%zu problem%s\n", problems.size(), problems.size() == 1 ? "" : "s");
}

}  // namespace

int reload_services(const ClientOptions& options, const std::string& file, control::ReloadMode mode) {
  ApiCaller caller(options.api_path, concat("reload ", file));
  auto text = sys::read_file(file);
  if (!text) return caller.fail(text.error().message);
  const bool is_dry_run = mode == control::ReloadMode::dry_run;
  const auto response = caller.put(is_dry_run ? "/v1/config?dry_run=1" : "/v1/config", *std::move(text));
  if (!response) return caller.status();
  const auto problems = wire::read_config_problems(response->body);
  const bool is_json = options.format == OutputFormat::json;
  if (is_json && (response->status == 200 || !problems.empty())) {
    std::fputs(response->body.c_str(), stdout);
    return response->status == 200 ? 0 : static_cast<int>(ClientStatus::refused);
  }
  if (response->status != 200 && problems.empty()) return caller.refuse(*response);
  if (!problems.empty()) {
    print_problems(problems, file);
    return static_cast<int>(ClientStatus::refused);
  }
  const auto style = sys::output_style_of(STDOUT_FILENO);
  const auto report =
      wire::report_reload(response->body, style.has_colours ? Table::Colours::on : Table::Colours::off);
  if (!report) return caller.fail(report.error().message);
  std::fputs(report->c_str(), stdout);
  if (is_dry_run) std::fputs("a dry run: nothing was done\n", stdout);
  return 0;
}

}  // namespace kestrel::app
