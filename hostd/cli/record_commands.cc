// `kestrelctl logs` and `kestrelctl events`: records, from a running VM's runner or from the files of one
// that has ended.
#include <unistd.h>

#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/query_commands.h"
#include "hostd/cli/vms.h"
#include "hostd/records/record_reader.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/output_style.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

/// How many rotated files of a dead VM are looked for; more than any limit leaves.
constexpr unsigned most_files = 100;

using ShowRecord = std::function<std::string(std::string_view record)>;

/// Prints records as they come, in pieces that may end anywhere.
class RecordPrinter {
 public:
  explicit RecordPrinter(ShowRecord show) : show_(std::move(show)) {}

  /// False when nobody takes the output any more.
  bool take(std::string_view bytes) {
    partial_.append(bytes);
    std::string out;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      out += show_(std::string_view(partial_).substr(begin, end - begin));
    }
    partial_.erase(0, begin);
    return std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
  }

 private:
  ShowRecord show_;
  std::string partial_;
};

std::string target_of(std::string_view path, const LogOptions& options) {
  std::string target = concat(path, options.follows ? "?follow=1" : "?follow=0");
  if (options.lines) target += concat("&lines=", *options.lines);
  if (!options.service.empty()) target += concat("&service=", wire::percent_encode(options.service));
  return target;
}

int show_records(const std::string& name, std::string_view path, std::string_view file,
                 const LogOptions& options, ShowRecord show) {
  RecordPrinter printer(std::move(show));
  if (!is_known(name)) {
    return fail(ExitCode::host_error, concat("cannot read ", name, ": there is no VM of that name"),
                "see them all with: kestrelctl list");
  }
  if (!is_running(name)) {
    RecordFilter filter;
    filter.service = options.service;
    if (options.lines) filter.last = static_cast<std::size_t>(*options.lines);
    RecordReader reader(concat(vm_dir(name), '/', file), most_files, filter);
    for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
      if (!printer.take(more)) break;
    }
    return 0;
  }
  auto client = wire::ApiClient::connect_unix(concat(vm_dir(name), '/', runner_socket));
  if (!client) return fail(ExitCode::host_error, concat("cannot read ", name, ": ", client.error().message));
  wire::Request request;
  request.method = "GET";
  request.target = target_of(path, options);
  const auto end = client->stream(request, [&](std::string_view bytes) { return printer.take(bytes); });
  if (!end) return fail(ExitCode::host_error, concat("cannot read ", name, ": ", end.error().message));
  if (end->status / 100 != 2)
    return fail(ExitCode::host_error, concat("cannot read ", name, ": ", end->body));
  return 0;
}

std::string raw(std::string_view record) { return concat(record, '\n'); }

std::string show_log(std::string_view text, const OutputStyle& style) {
  const auto record = wire::parse_log_record(text);
  if (!record) return {};
  if (record->lost > 0) return wire::format_lost_lines(record->lost);
  return wire::format_log_line(record->service, record->line, style);
}

}  // namespace

int logs_command(const std::string& name, const LogOptions& options, OutputFormat format) {
  const OutputStyle style = sys::output_style_of(STDOUT_FILENO);
  const ShowRecord show = format == OutputFormat::json ? ShowRecord(raw) : [style](std::string_view record) {
    return show_log(record, style);
  };
  return show_records(name, "/v1/logs", logs_file, options, show);
}

int events_command(const std::string& name, const LogOptions& options, OutputFormat format) {
  return show_records(name, "/v1/events", events_file, options,
                      format == OutputFormat::json ? ShowRecord(raw) : ShowRecord(wire::report_event));
}

}  // namespace kestrel::hostd
