#include "hostd/cli/pause_commands.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/api_reports.h"
#include "kestrel/wire/client.h"

namespace kestrel::hostd {

namespace {

using nlohmann::json;

/// Longer than the runner waits for QEMU and for the guest together.
constexpr Duration answer_time = seconds(20);

Result<std::string> ask_runner(const std::string& name, std::string target) {
  auto client = wire::ApiClient::connect_unix(concat(vm_dir(name), '/', runner_socket), answer_time);
  if (!client) return client.error();
  wire::Request request;
  request.method = "POST";
  request.target = std::move(target);
  const auto answer = client->request(request);
  if (!answer) return answer.error();
  if (answer->status / 100 != 2) return Error{wire::read_refusal(*answer).detail};
  return answer->body;
}

std::string seconds_text(double milliseconds_count) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2fs", milliseconds_count / 1000);
  return text;
}

double number_of(const json& object, const char* key) {
  const auto member = object.find(key);
  return member != object.end() && member->is_number() ? member->get<double>() : 0;
}

}  // namespace

Result<std::string> report_resume(const std::string& name, std::string_view text) {
  const json answer = json::parse(text, nullptr, false);
  if (!answer.is_object()) return Error{"the runner's answer is no JSON object"};
  const double paused = number_of(answer, "paused_ms");
  if (paused <= 0) return concat(name, " was not paused\n");
  std::string line = concat(name, " goes on after ", seconds_text(paused));
  const auto guest = answer.find("guest");
  if (guest == answer.end() || !guest->is_object())
    return line + "; its guest does not say what it makes of that\n";
  const double error = number_of(*guest, "clock_error_ms");
  if (guest->value("clock_set", json()) == json(true)) {
    line += concat("; its clock was ", seconds_text(std::abs(error)), error < 0 ? " slow" : " fast",
                   " and is set");
  }
  return line + "\n";
}

int pause_command(const std::string& name, OutputFormat format) {
  if (!is_running(name)) return not_running("pause", name);
  const auto answer = ask_runner(name, "/v1/pause");
  if (!answer) return fail(ExitCode::host_error, concat("cannot pause ", name, ": ", answer.error().message));
  const bool is_for_people = format == OutputFormat::table;
  std::fputs((is_for_people ? name + "\n" : in_format(format, *answer)).c_str(), stdout);
  return 0;
}

int resume_command(const std::string& name, OutputFormat format) {
  if (!is_running(name)) return not_running("resume", name);
  const auto answer = ask_runner(name, "/v1/resume");
  const auto report = !answer || format != OutputFormat::table ? answer : report_resume(name, *answer);
  if (!report)
    return fail(ExitCode::host_error, concat("cannot resume ", name, ": ", report.error().message));
  std::fputs((format == OutputFormat::table ? *report : in_format(format, *report)).c_str(), stdout);
  return 0;
}

}  // namespace kestrel::hostd
