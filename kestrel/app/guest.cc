#include "kestrel/app/guest.h"

#include <signal.h>
#include <sys/stat.h>

#include <optional>

#include "kestrel/app/cloud_files.h"
#include "kestrel/app/config_file.h"
#include "kestrel/app/echo.h"
#include "kestrel/app/guest_network.h"
#include "kestrel/app/guest_setup.h"
#include "kestrel/app/link.h"
#include "kestrel/app/link_target.h"
#include "kestrel/app/machine.h"
#include "kestrel/app/supervision.h"
#include "kestrel/app/vmm_notifier.h"
#include "kestrel/base/log.h"
#include "kestrel/base/text.h"
#include "kestrel/control/server.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/boot.h"
#include "kestrel/sys/clock.h"
#include "kestrel/sys/hostname.h"
#include "kestrel/sys/log_output.h"
#include "kestrel/sys/socket.h"
#include "kestrel/sys/system_credential.h"

namespace kestrel::app {

namespace {

constexpr auto config_path = "/etc/kestrel/config.yaml";
/// What messages call the user-data, which came from the host.
constexpr auto user_data_name = "user-data";
constexpr auto api_folder = "/run/kestrel";
constexpr auto api_path = "/run/kestrel/api.sock";
/// How long a host may take to greet before the guest goes its own way (DESIGN.md, "The link").
constexpr Duration patience_for_welcome = seconds(5);
/// How long the last word may wait for its acknowledgement.
constexpr Duration patience_for_farewell = seconds(2);
/// EX_CONFIG of sysexits.h.
constexpr int status_bad_config = 78;
constexpr int status_failed = 1;
constexpr std::uint32_t host_cid = 2;

bool is_host(int fd) {
  const auto cid = sys::vsock_peer_cid(fd);
  return cid && *cid == host_cid;
}

/// The guest's program, in the order of its methods: it is made, greets, starts, ends.
class Guest {
 public:
  Guest(Machine machine, Timeline& timeline) : machine_(std::move(machine)), timeline_(&timeline) {}

  core::PowerAction run() {
    watch_signals();
    load_config();
    find_vmm();
    if (machine_.parameters.contains("kestrel.link")) {
      greet(machine_.parameters.find("kestrel.link")->second);
    } else {
      loop_.post([this] { start(); });
    }
    loop_.run();
    return action_;
  }

 private:
  void watch_signals() {
    for (const int signal : {SIGTERM, SIGINT, SIGPWR}) {
      signals_.emplace_back(loop_, signal, [this, signal] { shut_down(signal); });
    }
    signals_.emplace_back(loop_, SIGHUP, [this] {
      if (supervision_) reload_config(*supervision_, config_path);
    });
  }

  void shut_down(int signal) {
    if (supervision_) return supervision_->shut_down(core::PowerAction::shutdown, signal_name(signal));
    if (stage_ != Stage::ended) end({.status = 0, .cause = "shutdown", .reason = signal_name(signal)}, {});
  }

  void load_config() {
    boot_id_ = sys::boot_id().value_or("");
    config_ = read_config(config_path);
    timeline_->reached("configuration");
  }

  /// A VMM that is not Kestrel's may want to know how its guest is, too.
  void find_vmm() {
    const auto address = sys::find_system_credential("vmm.notify_socket");
    if (!address) return;
    const auto target = parse_notify_target(*address);
    if (!target) return log_warning(target.error().message);
    vmm_.emplace(loop_, dial_of(*target), records_.events);
  }

  // --- greeting ------------------------------------------------------------------------------------------
  void greet(const std::string& target) {
    auto dial = parse_link_target(target);
    if (!dial) {
      log_error(dial.error().message);
      loop_.post([this] { start(); });
      return;
    }
    link_.emplace(
        loop_, std::move(*dial), records_.events, records_.logs,
        Link::Callbacks{.make_hello = [this] { return hello(); },
                        .on_welcome = [this](const wire::Welcome& welcome) { take(welcome); },
                        .on_resumed = [this](const wire::Resumed& resumed) { return take(resumed); }});
    link_->open();
    if (machine_.parameters.contains("kestrel.link_required")) return;
    patience_ = loop::Timer(loop_, [this] {
      log_warning("nobody answers at ", machine_.parameters.find("kestrel.link")->second,
                  ": going on without a host");
      start();
    });
    patience_.arm(patience_for_welcome);
  }

  wire::Hello hello() {
    timeline_->reached("hello");
    return {.version = KESTREL_VERSION,
            .boot_id = boot_id_,
            .config_digest = supervision_ ? supervision_->config_text().digest : config_.config.digest,
            .boot = supervision_ ? supervision_->info().boot : timeline_->steps()};
  }

  void take(const wire::Welcome& welcome) {
    patience_.disarm();
    token_ = welcome.token;
    if (api_) api_->set_token(*token_);
    if (welcome.time_ns > 0) compare_clock(Duration(welcome.time_ns) - sys::wall_now().time_since_epoch());
    // Where the link was lost, the guest may have stood still.
    if (stage_ != Stage::greeting) return take_time_and_randomness(welcome);
    timeline_->reached("welcome");
    take_identity(welcome);
    welcome_ = welcome;
    start();
  }

  void compare_clock(Duration offset) {
    clock_offset_ = offset;
    clock_compared_ = sys::monotonic_now();
  }

  wire::ResumedReport take(const wire::Resumed& resumed) {
    log_info("stood still for ", format_duration(milliseconds(resumed.paused_ms)));
    const auto report = catch_up(resumed);
    compare_clock(-Duration(report.clock_error_ns));
    if (supervision_) supervision_->resume(milliseconds(resumed.paused_ms), Duration(report.clock_error_ns));
    return report;
  }

  // --- running -------------------------------------------------------------------------------------------
  void start() {
    if (stage_ != Stage::greeting) return;
    stage_ = Stage::started;
    if (const auto& failure = machine_.root_failure)
      return end({.status = status_failed, .cause = "boot", .reason = failure->message}, {failure->message});
    if (auto problems = take_user_data(); !problems.empty()) return refuse(std::move(problems));
    auto loaded = std::get<config::Model>(std::move(config_.loaded));
    take_from_host(loaded);
    const auto model = std::make_shared<const config::Model>(std::move(loaded));
    set_name(*model);
    prepare_kernel(*model);
    network_.configure(model->network, machine_.parameters, [this, model] { start_services(model); });
  }

  /// Returns all that is wrong with them, and with the configuration.
  std::vector<std::string> take_user_data() {
    std::vector<std::string> lines;
    const auto add = [&lines](const auto& loaded, std::string_view where) {
      if (const auto* problems = std::get_if<config::Problems>(&loaded))
        for (const auto& one : *problems) lines.push_back(config::describe(one, where));
    };
    auto cloud = config::load_cloud_config(welcome_.user_data);
    add(config_.loaded, config_path);
    add(cloud, user_data_name);
    if (!lines.empty()) return lines;
    cloud_ = std::get<config::CloudConfig>(std::move(cloud));
    for (const auto& one : cloud_.warnings) log_warning(config::describe(one, user_data_name));
    return lines;
  }

  void set_name(const config::Model& model) {
    const auto& name = cloud_.hostname ? cloud_.hostname : model.hostname;
    if (!name || !welcome_.hostname.empty()) return;
    if (auto named = sys::set_hostname(*name); !named) log_warning(named.error().message);
  }

  /// What the configuration says, and what the host wants besides.
  void take_from_host(config::Model& model) const {
    add_devices(welcome_, model);
    config::add_commands(cloud_, model.hooks);
  }

  void start_services(const core::SharedModel& model) {
    auto missing = mount_all(*model);
    if (missing.empty()) missing = write_cloud_files(cloud_.files, "/");
    if (!missing.empty())
      return end({.status = status_failed, .cause = "boot", .reason = missing.front()}, missing);
    timeline_->reached("guest set up");
    SupervisionOptions options{.cgroups = machine_.cgroups ? &*machine_.cgroups : nullptr,
                               .environment = {},
                               .show_lines =
                                   [this] {
                                     if (echo_) echo_->show();
                                   },
                               .info = [this] { return info(); },
                               .link = [this] { return link_view(); },
                               .amend = [this](config::Model& reloaded) { take_from_host(reloaded); },
                               .on_finish = [this](const core::Outcome& outcome) { end(outcome, {}); }};
    options.environment.vm.insert(welcome_.image_env.begin(), welcome_.image_env.end());
    for (const auto& file : model->environment_files) {
      if (auto read = read_environment_file(file, options.environment.vm); !read)
        log_warning(read.error().message);
    }
    for (const auto& [name, value] : welcome_.env) options.environment.vm.insert_or_assign(name, value);
    if (!has_host()) echo_.emplace(loop_, records_.logs, sys::LogFormat::text);
    supervision_.emplace(loop_, model, std::move(config_.config), records_, std::move(options));
    serve();
    supervision_->begin();
    if (machine_.cgroups) machine_.cgroups->enter_own_leaf_in_background();
  }

  void serve() {
    api_.emplace(loop_, *supervision_, control::ApiOptions{.limits = {}, .is_host = is_host});
    ::mkdir(api_folder, 0700);
    if (auto socket = sys::listen_unix(api_path, 0600)) {
      api_->listen(std::move(*socket), control::Access::open);
    } else {
      log_warning(socket.error().message);
    }
    if (!link_) return;
    if (token_) api_->set_token(*token_);
    if (auto socket = sys::listen_vsock(wire::vsock_port)) {
      api_->listen(std::move(*socket), control::Access::host);
    } else {
      log_warning(socket.error().message);
    }
  }

  [[nodiscard]] std::optional<control::LinkView> link_view() const {
    if (!link_) return std::nullopt;
    control::LinkView view{.is_up = link_->is_up(), .unacknowledged = link_->unacknowledged(), .clock = {}};
    if (clock_compared_)
      view.clock = {.offset = clock_offset_, .age = sys::monotonic_now() - *clock_compared_};
    return view;
  }

  [[nodiscard]] bool has_host() const { return token_.has_value(); }

  [[nodiscard]] control::InfoView info() const {
    return {
        .version = KESTREL_VERSION, .boot_id = boot_id_, .uptime = sys::uptime(), .boot = timeline_->steps()};
  }

  // --- the end -------------------------------------------------------------------------------------------
  void refuse(std::vector<std::string> problems) {
    for (const auto& one : problems) log_error(one);
    end({.status = status_bad_config, .cause = "config", .reason = "the configuration is not valid"},
        std::move(problems));
  }

  void end(const core::Outcome& outcome, std::vector<std::string> problems) {
    stage_ = Stage::ended;
    action_ = outcome.action;
    log_info("ends with status ", outcome.status, outcome.reason.empty() ? "" : ": ", outcome.reason);
    network_.end();
    release_disks();
    farewells_ = 1;
    if (vmm_) {
      ++farewells_;
      vmm_->close(outcome.status, action_, [this] { finish_farewell(); });
    }
    // A link that is just lost comes back; one that never was is not waited for.
    if (link_ && (link_->is_up() || has_host())) close_link(outcome, std::move(problems));
    finish_farewell();
  }

  void close_link(const core::Outcome& outcome, std::vector<std::string> problems) {
    ++farewells_;
    const wire::Exiting exiting{.status = outcome.status,
                                .signal = outcome.signal,
                                .oom = outcome.is_oom_kill,
                                .cause = outcome.cause,
                                .action = action_ == core::PowerAction::reboot ? "reboot" : "shutdown",
                                .problems = std::move(problems)};
    link_->close(exiting, {.patience = patience_for_farewell}, [this](bool is_acknowledged) {
      if (!is_acknowledged) log_warning("the host did not acknowledge the end");
      finish_farewell();
    });
  }

  void finish_farewell() {
    if (--farewells_ == 0) loop_.stop();
  }

  Machine machine_;
  Timeline* timeline_;
  loop::Loop loop_;
  Records records_;
  std::optional<Echo> echo_;  ///< where no host takes the lines
  std::vector<loop::SignalWatcher> signals_;
  ConfigFile config_;  ///< until the services are started
  std::string boot_id_;
  std::optional<Link> link_;
  std::optional<VmmNotifier> vmm_;  ///< where its VMM asked to be told
  int farewells_ = 0;               ///< last words on their way
  Duration clock_offset_{};         ///< the host's clock minus ours, before ours was corrected
  std::optional<MonotonicTime> clock_compared_;
  std::optional<std::string> token_;  ///< set once a host has welcomed us
  wire::Welcome welcome_;             ///< as it was when we started; without a host it asks for nothing
  config::CloudConfig cloud_;         ///< what its user-data say, once started
  loop::Timer patience_;
  enum class Stage { greeting, started, ended };
  Stage stage_ = Stage::greeting;  ///< once ended, nothing is started any more
  GuestNetwork network_{loop_, records_.events};
  std::optional<Supervision> supervision_;
  std::optional<control::ApiServer> api_;
  core::PowerAction action_ = core::PowerAction::shutdown;
};

}  // namespace

void run_guest() {
  Timeline timeline;
  timeline.reached("pid 1");
  sys::log_to_stderr(sys::LogFormat::text, LogLevel::info, sys::LogColours::never);
  auto machine = bring_up_machine(timeline);
  if (!machine) {
    log_error("cannot boot: ", machine.error().message);
    leave_machine(core::PowerAction::shutdown);
  }
  const auto action = Guest(std::move(*machine), timeline).run();
  leave_machine(action);
}

}  // namespace kestrel::app
