#include "kestrel/app/run_command.h"

#include <signal.h>
#include <unistd.h>

#include <cstdio>

#include "kestrel/app/config_file.h"
#include "kestrel/app/echo.h"
#include "kestrel/app/guest_setup.h"
#include "kestrel/app/supervision.h"
#include "kestrel/app/timeline.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/control/server.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/boot.h"
#include "kestrel/sys/console.h"
#include "kestrel/sys/open_files.h"
#include "kestrel/sys/process.h"
#include "kestrel/sys/socket.h"

namespace kestrel::app {

namespace {

/// EX_CONFIG of sysexits.h.
constexpr int status_bad_config = 78;
constexpr int status_failed = 1;

int refuse(const std::vector<config::Problem>& problems, const std::string& file) {
  for (const auto& one : problems) std::fprintf(stderr, "%s\n", config::describe(one, file).c_str());
  return status_bad_config;
}

int fail(const Error& error) {
  log_error(error.message);
  return status_failed;
}

Result<std::optional<sys::CgroupRoot>> open_cgroup(const std::optional<std::string>& path) {
  if (!path) return std::optional<sys::CgroupRoot>();
  auto root = sys::CgroupRoot::open(*path);
  if (!root) return root.error();
  return std::optional(std::move(*root));
}

Result<GuestEnvironment> environment_of(const config::Model& model) {
  GuestEnvironment environment;
  for (const auto& file : model.environment_files) {
    if (auto read = read_environment_file(file, environment.vm); !read) return read.error();
  }
  environment.inherited = own_environment();
  for (const auto& [name, value] : environment.inherited) environment.vm.insert_or_assign(name, value);
  return environment;
}

}  // namespace

int run_services(const RunOptions& options) {
  sys::log_to_stderr(options.log_format, options.log_level);
  if (auto opened = sys::open_missing_stdio("/dev/null"); !opened) return status_failed;
  auto file = read_config(options.config);
  if (const auto* problems = std::get_if<config::Problems>(&file.loaded))
    return refuse(*problems, options.config);
  const auto shared = std::make_shared<const config::Model>(std::get<config::Model>(std::move(file.loaded)));
  const auto& model = *shared;

  auto environment = environment_of(model);
  if (!environment) return fail(environment.error());
  const auto cgroups = open_cgroup(options.cgroup);
  if (!cgroups) return fail(cgroups.error());
  if (auto subreaper = sys::become_subreaper(); !subreaper) return fail(subreaper.error());
  if (auto raised = sys::raise_open_files(wanted_open_files); !raised) log_warning(raised.error().message);

  if (const auto keys = guest_wide_keys(model); !keys.empty())
    log_warning("without a guest of its own kestrel leaves these keys alone: ", join(keys, ", "));

  Timeline timeline;
  timeline.reached("run");
  const auto boot_id = sys::boot_id().value_or("");

  loop::Loop loop;
  Records records;
  Echo echo(loop, records.logs, options.log_format);
  int status = status_failed;
  Supervision supervision(loop, shared, std::move(file.config), records,
                          {.cgroups = cgroups->has_value() ? &**cgroups : nullptr,
                           .environment = std::move(*environment),
                           .show_lines = [&echo] { echo.show(); },
                           .info =
                               [&] {
                                 return control::InfoView{.version = KESTREL_VERSION,
                                                          .boot_id = boot_id,
                                                          .uptime = sys::uptime(),
                                                          .boot = timeline.steps()};
                               },
                           .on_finish =
                               [&](const core::Outcome& outcome) {
                                 status = outcome.status;
                                 loop.stop();
                               }});
  control::ApiServer api(loop, supervision);
  if (options.api) {
    auto socket = sys::listen_unix(*options.api, 0600);
    if (!socket) return fail(socket.error());
    api.listen(std::move(*socket), control::Access::open);
  }
  std::vector<loop::SignalWatcher> ends;
  // SIGPWR is how LXC asks a container's PID 1.
  for (const int signal : {SIGTERM, SIGINT, SIGPWR}) {
    ends.emplace_back(loop, signal, [&supervision, signal] {
      supervision.shut_down(core::PowerAction::shutdown, signal_name(signal));
    });
  }
  const loop::SignalWatcher hang_up(loop, SIGHUP, [&] { reload_config(supervision, options.config); });
  supervision.begin();
  loop.run();
  if (options.api) ::unlink(options.api->c_str());
  return status;
}

}  // namespace kestrel::app
