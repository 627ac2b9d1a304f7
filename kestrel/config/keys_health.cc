// Health checks: one probe each, with its rhythm inside the probe's map.
#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

/// What a probe's map says: the probe and the rhythm of its check.
template <typename P>
struct ProbeDraft {
  P probe;
  Check check;
  std::optional<Placed<std::uint32_t>> failure_threshold;
};

/// `failure_threshold`, or its other name `retries`.
template <typename P>
void read_failure_threshold(Context& context, const RawEntry& entry, ProbeDraft<P>& target) {
  if (target.failure_threshold) {
    context.report(entry.at, "'retries' is another name of 'failure_threshold'; give one of them");
    return;
  }
  placed_into<read_positive_count, &ProbeDraft<P>::failure_threshold>(context, entry, target);
}

template <typename T>
void belongs_inside(Context& context, const RawEntry& entry, T&) {
  context.report(entry.at, concat(quoted(entry.key), " belongs inside 'http', 'tcp' or 'exec'"));
}
template <typename T>
void belongs_beside(Context& context, const RawEntry& entry, T&) {
  context.report(entry.at, concat(quoted(entry.key), " belongs beside 'http', 'tcp' or 'exec', not inside"));
}

/// A probe's own keys and those that every probe has.
template <typename P, std::size_t N>
constexpr auto with_rhythm(const Key<ProbeDraft<P>> (&own)[N]) {
  using Draft = ProbeDraft<P>;
  const Key<Draft> shared[] = {
      {"interval", into<read_period, &Draft::check, &Check::interval>,
       "from the end of a run to the start of the next", "10s"},
      {"timeout", into<read_period, &Draft::check, &Check::timeout>,
       "a run that takes longer is ended and has failed", "3s"},
      {"failure_threshold", read_failure_threshold<P>, "failures in a row that make it unhealthy", "3"},
      {"retries", read_failure_threshold<P>, "another name of `failure_threshold`", "3"},
      {"success_threshold", into<read_positive_count, &Draft::check, &Check::success_threshold>,
       "successes in a row that make an unhealthy check healthy again", "1"},
      {"start_period", into<read_duration, &Draft::check, &Check::start_period>,
       "failures do not count before its end or the first success", "30s"},
      {"start_interval", into<read_period, &Draft::check, &Check::start_interval>,
       "the interval until the first success or the end of the start period", "100ms"},
      {"on_failure", belongs_beside<Draft>},
  };
  std::array<Key<Draft>, N + std::size(shared)> all{};
  for (std::size_t i = 0; i < N; ++i) all[i] = own[i];
  for (std::size_t i = 0; i < std::size(shared); ++i) all[N + i] = shared[i];
  return all;
}

constexpr bool is_token_character(char c) {
  // RFC 9110, 5.6.2
  constexpr std::string_view others = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         others.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  for (char c : text) {
    if (!is_token_character(c)) return false;
  }
  return !text.empty();
}

bool has_control_or_space(std::string_view text) {
  for (char c : text) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f) return true;
  }
  return false;
}

std::optional<std::string> read_request_path(Context& context, const Raw& raw) {
  auto path = read_text(context, raw);
  if (!path || (path->starts_with('/') && !has_control_or_space(*path))) return path;
  context.report_expected(raw, "a path that begins with '/', without white space");
  return std::nullopt;
}

std::optional<std::string> read_host(Context& context, const Raw& raw) {
  auto host = read_word(context, raw);
  if (!host || !has_control_or_space(*host)) return host;
  context.report_expected(raw, "a host name or address");
  return std::nullopt;
}

std::optional<std::string> read_method(Context& context, const Raw& raw) {
  auto method = read_text(context, raw);
  if (!method || is_token(*method)) return method;
  context.report_expected(raw, "an HTTP method such as GET or HEAD");
  return std::nullopt;
}

std::optional<std::vector<std::pair<std::string, std::string>>> read_headers(Context& context,
                                                                             const Raw& raw) {
  const RawMap* map = expect_map(context, raw);
  if (!map) return std::nullopt;
  std::vector<std::pair<std::string, std::string>> headers;
  for (const RawEntry& entry : *map) {
    if (!is_token(entry.key))
      context.report(entry.at, concat(quoted(entry.key), " is not a valid header name"));
    auto value = read_text(context, *entry.value);
    if (!value) continue;
    if (value->find_first_of("\r\n") != std::string::npos) {
      context.report(entry.value->at, "a header cannot contain a line break");
    }
    headers.emplace_back(entry.key, *std::move(value));
  }
  return headers;
}

constexpr auto read_status = read_number<std::uint16_t, 100, 599>;

/// One status code or a list of them.
std::optional<std::vector<std::uint16_t>> read_statuses(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawList>(raw.value)) return read_list<read_status>(context, raw);
  const auto status = read_status(context, raw);
  return status ? std::optional(std::vector{*status}) : std::nullopt;
}

using HttpDraft = ProbeDraft<HttpProbe>;
constexpr auto http_keys = with_rhythm<HttpProbe>({
    {"port", into<read_port, &HttpDraft::probe, &HttpProbe::port>, "where to connect"},
    {"path", into<read_request_path, &HttpDraft::probe, &HttpProbe::path>, "what to ask for", "/"},
    {"host", into<read_host, &HttpDraft::probe, &HttpProbe::host>,
     "where to connect, and the Host header of a request", "127.0.0.1"},
    {"method", into<read_method, &HttpDraft::probe, &HttpProbe::method>, "how to ask", "GET"},
    {"headers", into<read_headers, &HttpDraft::probe, &HttpProbe::headers>, "to send along"},
    {"expect_status", into<read_statuses, &HttpDraft::probe, &HttpProbe::expect_status>,
     "the codes that are a success; any of 200 to 399 where it is not given"},
    {"expect_body", into<read_pattern, &HttpDraft::probe, &HttpProbe::expect_body>,
     "must match somewhere in the first 64 KiB of the body"},
});

using TcpDraft = ProbeDraft<TcpProbe>;
constexpr auto tcp_keys = with_rhythm<TcpProbe>({
    {"port", into<read_port, &TcpDraft::probe, &TcpProbe::port>, "where to connect"},
    {"host", into<read_host, &TcpDraft::probe, &TcpProbe::host>,
     "where to connect, and the Host header of a request", "127.0.0.1"},
});

using ExecDraft = ProbeDraft<ExecProbe>;
constexpr auto exec_keys = with_rhythm<ExecProbe>({
    {"command", into<read_program, &ExecDraft::probe, &ExecProbe::command, &Command::program>,
     "absolute, or a name looked up in PATH; exit status 0 is a success"},
    {"args", into<read_arguments, &ExecDraft::probe, &ExecProbe::command, &Command::args>,
     "no shell is involved"},
    {"success_pattern", into<read_pattern, &ExecDraft::probe, &ExecProbe::success_pattern>,
     "must match somewhere in the first 64 KiB of the output, beside exit status 0"},
});

template <typename P, const auto& Keys, const char* const& Required>
void read_probe(Context& context, const RawEntry& entry, CheckDraft& target) {
  ProbeDraft<P> draft;
  draft.check = target.check;
  read_map<ProbeDraft<P>>(context, *entry.value, Keys, draft);
  require_key(context, *entry.value, Required);
  target.check = std::move(draft.check);
  target.failure_threshold = draft.failure_threshold;
  target.probes.push_back({std::move(draft.probe), entry.at});
}

constexpr const char* port = "port";
constexpr const char* command = "command";

constexpr Choice<OnUnhealthy> on_unhealthy_choices[] = {
    {"restart", OnUnhealthy::restart},
    {"none", OnUnhealthy::none},
    {"shutdown", OnUnhealthy::shutdown},
};
constexpr auto read_on_unhealthy = read_choice<on_unhealthy_choices>;

constexpr Key<CheckDraft> check_keys[] = {
    {"name", into<read_name, &CheckDraft::check, &Check::name>,
     "unique; `http`, `tcp` or `exec` where it is not given"},
    {"http", read_probe<HttpProbe, http_keys, port>, "asks a web server"},
    {"tcp", read_probe<TcpProbe, tcp_keys, port>, "opens a connection"},
    {"exec", read_probe<ExecProbe, exec_keys, command>, "runs a program"},
    {"on_failure", placed_into<read_on_unhealthy, &CheckDraft::on_failure>,
     "what follows when it becomes unhealthy: `restart` where it is not given, at the top level `none` "
     "(`restart` is not possible there)"},
    {"interval", belongs_inside<CheckDraft>},
    {"timeout", belongs_inside<CheckDraft>},
    {"failure_threshold", belongs_inside<CheckDraft>},
    {"retries", belongs_inside<CheckDraft>},
    {"success_threshold", belongs_inside<CheckDraft>},
    {"start_period", belongs_inside<CheckDraft>},
    {"start_interval", belongs_inside<CheckDraft>},
};

std::optional<CheckDraft> read_check(Context& context, const Raw& raw) {
  auto draft = read_struct<CheckDraft, check_keys>(context, raw);
  if (!draft) return std::nullopt;
  draft->at = raw.at;
  if (draft->probes.empty()) {
    context.report(raw.at, "missing key 'http', 'tcp' or 'exec'");
    return std::nullopt;
  }
  for (std::size_t i = 1; i < draft->probes.size(); ++i) {
    context.report(draft->probes[i].at, "a check has one probe; make it a list of checks to have several");
  }
  draft->check.probe = std::move(draft->probes.front().value);
  return draft;
}

}  // namespace

std::optional<std::vector<CheckDraft>> read_checks(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawList>(raw.value)) return read_list<read_check>(context, raw);
  if (!std::holds_alternative<RawMap>(raw.value)) {
    context.report_expected(raw, "a map with 'http', 'tcp' or 'exec', or a list of such maps");
    return std::nullopt;
  }
  auto check = read_check(context, raw);
  if (!check) return std::nullopt;
  std::vector<CheckDraft> checks;
  checks.push_back(*std::move(check));
  return checks;
}

}  // namespace kestrel::config
