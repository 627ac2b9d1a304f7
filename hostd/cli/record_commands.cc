// `kestrelctl logs` and `kestrelctl events`: records, from a running VM's runner or from the files of one
// that has ended.
#include <unistd.h>

#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/cli/query_commands.h"
#include "hostd/records/record_log.h"
#include "hostd/records/record_reader.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/output_style.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

/// How many rotated files of a dead VM are looked for; more than any limit leaves.
constexpr unsigned most_files = 100;

using ShowRecord = std::function<std::string(std::string_view record)>;

/// Prints records as they come, in pieces that may end anywhere, and knows how far it is.
class RecordPrinter {
 public:
  explicit RecordPrinter(ShowRecord show) : show_(std::move(show)) {}

  /// False when nobody takes the output any more.
  bool take(std::string_view bytes) {
    partial_.append(bytes);
    std::string out;
    std::size_t begin = 0;
    for (std::size_t end = 0; (end = partial_.find('\n', begin)) != std::string::npos; begin = end + 1) {
      const std::string_view record = std::string_view(partial_).substr(begin, end - begin);
      out += show_(record);
      if (const std::uint64_t seq = seq_of(record); seq != 0) last_seq_ = seq;
    }
    partial_.erase(0, begin);
    is_taken_ = std::fwrite(out.data(), 1, out.size(), stdout) == out.size() && std::fflush(stdout) == 0;
    return is_taken_;
  }
  /// What was cut off will come again.
  void drop_partial() { partial_.clear(); }
  [[nodiscard]] std::optional<std::uint64_t> last_seq() const { return last_seq_; }
  [[nodiscard]] bool is_taken() const { return is_taken_; }

 private:
  ShowRecord show_;
  std::string partial_;
  std::optional<std::uint64_t> last_seq_;
  bool is_taken_ = true;
};

/// One kind of records of one VM.
struct RecordSource {
  const std::string& name;
  std::string_view path;  ///< of the runner's API
  std::string_view file;  ///< in the runtime folder
};

std::string target_of(const RecordSource& source, const LogOptions& options,
                      const std::optional<ResumePoint>& after) {
  std::string target = concat(source.path, options.follows ? "?follow=1" : "?follow=0");
  if (options.lines) target += concat("&lines=", *options.lines);
  if (after) target += concat("&after=", after->seq);
  if (after && !after->runtime_id.empty())
    target += concat("&runtime_id=", wire::percent_encode(after->runtime_id));
  if (!options.service.empty()) target += concat("&service=", wire::percent_encode(options.service));
  return target;
}

/// Empty where it cannot be known.
std::string runtime_id_of(const std::string& name) {
  return sys::read_file(concat(vm_dir(name), '/', runtime_id_file)).value_or("");
}

/// Those of a VM that has ended.
Result<void> print_files(const RecordSource& source, const LogOptions& options,
                         const std::optional<ResumePoint>& after, RecordPrinter& printer) {
  if (after && !after->runtime_id.empty()) {
    if (const auto runtime_id = runtime_id_of(source.name); runtime_id != after->runtime_id)
      return Error{concat("this is another run, ", printable(runtime_id), ": its records begin anew")};
  }
  RecordFilter filter;
  filter.service = options.service;
  if (options.lines) filter.last = static_cast<std::size_t>(*options.lines);
  if (after) filter.after = after->seq;
  RecordReader reader(concat(vm_dir(source.name), '/', source.file), most_files, filter);
  for (std::string more = reader.read_some(); !more.empty(); more = reader.read_some()) {
    if (!printer.take(more)) break;
  }
  return {};
}

Result<void> print_from_runner(const RecordSource& source, const LogOptions& options,
                               const std::optional<ResumePoint>& after, RecordPrinter& printer) {
  auto client = wire::ApiClient::connect_unix(concat(vm_dir(source.name), '/', runner_socket));
  if (!client) return client.error();
  wire::Request request;
  request.method = "GET";
  request.target = target_of(source, options, after);
  const auto end = client->stream(request, [&](std::string_view bytes) { return printer.take(bytes); });
  if (!end) return end.error();
  if (end->status / 100 != 2) return Error{wire::read_refusal(*end).detail};
  return {};
}

/// A connection that is lost on the way is no end: it goes on behind the last record, with the runner or,
/// where that is gone, in the files. Each turn brings something new, or is the last.
Result<void> print_records(const RecordSource& source, LogOptions options, std::optional<ResumePoint> after,
                           RecordPrinter& printer) {
  // The name may run again meanwhile, and its numbers begin anew.
  const std::string runtime_id = runtime_id_of(source.name);
  while (is_running(source.name)) {
    const auto before = printer.last_seq();
    const auto ended = print_from_runner(source, options, after, printer);
    if (ended || !printer.is_taken()) return {};
    const auto reached = printer.last_seq();
    if (reached == before && is_running(source.name)) return ended;
    if (reached) after = ResumePoint{runtime_id, *reached};
    if (reached) options.lines.reset();
    printer.drop_partial();
  }
  return print_files(source, options, after, printer);
}

int show_records(const RecordSource& source, const LogOptions& options, ShowRecord show) {
  if (!is_known(source.name)) return no_such_vm("read", source.name);
  std::optional<ResumePoint> after;
  if (!options.after.empty()) {
    const auto parsed = parse_resume_point(options.after);
    if (!parsed) return fail(ExitCode::usage, parsed.error().message);
    after = *parsed;
  }
  RecordPrinter printer(std::move(show));
  if (const auto shown = print_records(source, options, after, printer); !shown)
    return fail(ExitCode::host_error, concat("cannot read ", source.name, ": ", shown.error().message));
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

Result<ResumePoint> parse_resume_point(std::string_view text) {
  ResumePoint point;
  const std::size_t colon = text.rfind(':');
  if (colon != std::string_view::npos) point.runtime_id = text.substr(0, colon);
  const auto seq = parse_integer(colon == std::string_view::npos ? text : text.substr(colon + 1));
  if (!seq || *seq < 0 || colon == 0)
    return Error{concat("cannot use --after `", printable(text), "`: it is neither SEQ nor RUNTIME_ID:SEQ")};
  point.seq = static_cast<std::uint64_t>(*seq);
  return point;
}

int logs_command(const std::string& name, const LogOptions& options, OutputFormat format) {
  const OutputStyle style = sys::output_style_of(STDOUT_FILENO);
  const ShowRecord show = format == OutputFormat::json ? ShowRecord(raw) : [style](std::string_view record) {
    return show_log(record, style);
  };
  return show_records({name, "/v1/logs", logs_file}, options, show);
}

int events_command(const std::string& name, const LogOptions& options, OutputFormat format) {
  return show_records({name, "/v1/events", events_file}, options,
                      format == OutputFormat::json ? ShowRecord(raw) : ShowRecord(wire::report_event));
}

}  // namespace kestrel::hostd
