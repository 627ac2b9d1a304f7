#include "kestrel/app/config_file.h"

#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/config/digest.h"
#include "kestrel/sys/file.h"

namespace kestrel::app {

namespace {

std::string summary(const core::ReloadPlan& plan) {
  std::string text;
  const auto add = [&text](std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) text += concat(text.empty() ? "" : "; ", what, " ", join(names, ", "));
  };
  add("restarts", plan.restarted);
  add("updates", plan.updated);
  add("adds", plan.added);
  add("removes", plan.removed);
  add("changes for the guest", plan.guest);
  add("leaves to the next boot", plan.needs_boot);
  return text.empty() ? "changes nothing" : text;
}

}  // namespace

ConfigFile read_config(const std::string& path) {
  auto text = sys::read_file(path);
  if (!text) return {{}, config::Problems{{0, 0, text.error().message}}};
  auto loaded = config::load(*text);
  auto digest = config::digest(*text);
  return {{*std::move(text), std::move(digest)}, std::move(loaded)};
}

void reload_config(control::Guest& guest, const std::string& path) {
  auto text = sys::read_file(path);
  if (!text) return log_error("cannot reload: ", text.error().message);
  const auto report = guest.reload(*std::move(text), control::ReloadMode::apply);
  if (report.verdict == control::ReloadReport::Verdict::done)
    return log_info("reload of ", path, ": ", summary(report.plan));
  if (!report.message.empty()) log_error("cannot reload ", path, ": ", report.message);
  for (const auto& one : report.problems) log_error(config::describe(one, path));
}

}  // namespace kestrel::app
