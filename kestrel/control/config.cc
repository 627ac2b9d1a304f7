#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/control/json.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

std::string entity_tag(std::string_view digest) { return concat('"', digest, '"'); }

/// RFC 9110, 13.1.1: `*`, or a list of tags of which one must be that of what is there.
bool matches(std::string_view condition, std::string_view tag) {
  const auto tags = split(condition, ',');
  return std::any_of(tags.begin(), tags.end(),
                     [tag](std::string_view each) { return trim(each) == "*" || trim(each) == tag; });
}

wire::Response refusal(const ReloadReport& report) {
  switch (report.verdict) {
    case ReloadReport::Verdict::conflict:
      return wire::problem(409, report.message);
    case ReloadReport::Verdict::gone:
      return wire::problem(503, report.message);
    case ReloadReport::Verdict::invalid:
    case ReloadReport::Verdict::done:
      break;
  }
  wire::Response response = wire::problem(400, {});
  response.body = invalid_config_json(report.problems) + '\n';
  return response;
}

}  // namespace

Answer get_config(const Call& call) {
  ConfigText config = call.guest.config_text();
  return wire::Response{
      .status = 200,
      .headers = {{"Content-Type", "application/yaml"}, {"ETag", entity_tag(config.digest)}},
      .body = std::move(config.text)};
}

Answer put_config(const Call& call) {
  const Result<bool> is_dry_run = query_flag(call.target, "dry_run");
  if (!is_dry_run) return wire::problem(400, is_dry_run.error().message);
  const auto condition = wire::find_header(call.request.headers, "If-Match");
  const std::string running = call.guest.config_text().digest;
  if (condition && !matches(*condition, entity_tag(running)))
    return wire::problem(412, concat("another configuration runs: its digest is ", running));
  const ReloadReport report =
      call.guest.reload(call.request.body, *is_dry_run ? ReloadMode::dry_run : ReloadMode::apply);
  if (report.verdict != ReloadReport::Verdict::done) return refusal(report);
  return wire::json_response(200, reload_json(report));
}

}  // namespace kestrel::control
