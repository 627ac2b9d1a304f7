// Random histories against what must always hold.
//
// Each history is a random configuration and a random sequence of things that can happen: programs that
// start, fail to start, exit, die, leave children behind, ignore signals; probes that pass and fail;
// operators who start, stop, restart and signal at bad moments, and who reload a configuration that differs
// in this and that; time. The world keeps its own books of what really runs and judges every effect by them,
// not by what the supervisor believes. A failure prints the seed; KESTREL_SIMULATION_SEED=N replays that one
// history.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <map>
#include <set>
#include <sstream>

#include "kestrel/core/supervisor.h"
#include "tests/unit/core/workbench.h"

namespace kestrel::core {
namespace {

using config::Condition;

constexpr std::uint64_t histories = 100'000;
constexpr int steps_per_history = 40;

/// xorshift64*: small, fast, and the same everywhere.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed * 0x9e3779b97f4a7c15 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ >> 12;
    state_ ^= state_ << 25;
    state_ ^= state_ >> 27;
    return state_ * 0x2545f4914f6cdd1d;
  }
  std::uint32_t below(std::uint32_t bound) { return static_cast<std::uint32_t>((next() >> 33) % bound); }
  bool one_in(std::uint32_t n) { return below(n) == 0; }

 private:
  std::uint64_t state_;
};

// --- configurations --------------------------------------------------------------------------------------

constexpr std::uint32_t most_services = 8;

std::uint32_t number_of(const config::Service& service) {
  return static_cast<std::uint32_t>(service.name[1] - '0');
}

void draw_check(Dice& dice, config::Service& one) {
  one.checks = {http_check()};
  one.checks[0].on_failure = static_cast<config::OnUnhealthy>(dice.below(2));
  one.checks[0].failure_threshold = 1 + dice.below(2);
  one.checks[0].start_period = seconds(dice.below(2));
  one.checks[0].interval = milliseconds(100);
}

void draw_hooks(Dice& dice, config::Service& one) {
  for (auto* hooks :
       {&one.hooks.pre_start, &one.hooks.post_start, &one.hooks.pre_stop, &one.hooks.post_stop}) {
    hooks->assign(dice.one_in(6) ? 1 + dice.below(2) : 0, {"/hook", {}});
  }
}

void draw_restart(Dice& dice, config::Service& one) {
  one.restart.policy = static_cast<config::RestartPolicy>(dice.below(3));
  one.restart.max_restarts = dice.one_in(3) ? 1 + dice.below(3) : 0;
  one.restart.window = seconds(5);
  one.restart.backoff.initial = milliseconds(dice.one_in(3) ? 0 : 50);
  one.restart.backoff.reset_after = seconds(dice.below(3));
}

config::Service random_service(Dice& dice, std::uint32_t number) {
  const auto name = "s" + std::to_string(number);
  auto one = dice.one_in(3) ? job(name) : service(name);
  if (dice.one_in(6)) one.tier = config::Tier::infrastructure;
  draw_restart(dice, one);
  one.stop.timeout = seconds(1 + dice.below(3));
  if (dice.one_in(8)) one.on_exit.failure = config::ExitAction::shutdown;
  if (one.kind == config::Kind::service && dice.one_in(3)) draw_check(dice, one);
  draw_hooks(dice, one);
  if (dice.one_in(4)) one.ready = config::ReadyByNotify{};
  if (dice.one_in(6)) one.ready = config::ReadyByTcp{8080};
  if (dice.one_in(4)) one.start_timeout = seconds(1 + dice.below(3));
  if (one.kind == config::Kind::job && dice.one_in(4)) {
    one.schedule = config::Schedule{.expression = "often"};
    one.schedule->concurrency = static_cast<config::Overlap>(dice.below(3));
  }
  return one;
}

/// Dependencies go to services with smaller numbers: there is no cycle.
void draw_dependencies(Dice& dice, config::Model& model, config::Service& one) {
  one.depends_on.clear();
  for (std::uint32_t on = 0; on < model.services.size(); ++on) {
    if (number_of(model.services[on]) >= number_of(one) || !dice.one_in(3)) continue;
    const auto condition = static_cast<Condition>(dice.below(4));
    one.depends_on.push_back({on, condition, dice.one_in(3), !dice.one_in(4)});
  }
}

/// The one case in which there may be several of one service at a time.
bool overlaps(const config::Service& one) {
  return one.schedule && one.schedule->concurrency == config::Overlap::allow;
}

/// What validation would refuse is put right: conditions that can never hold, and infrastructure that comes
/// after what is normal, which would be a cycle.
void make_valid(config::Model& model) {
  for (auto& one : model.services) {
    if (overlaps(one) && std::holds_alternative<config::ReadyByTcp>(one.ready)) one.ready = {};
    if (overlaps(one)) one.checks.clear();
    std::erase_if(one.depends_on, [&](const config::Dependency& dependency) {
      return one.tier == config::Tier::infrastructure &&
             model.services[dependency.service].tier == config::Tier::normal;
    });
    for (auto& dependency : one.depends_on) {
      const auto& on = model.services[dependency.service];
      auto& condition = dependency.condition;
      if (condition == Condition::completed && on.kind != config::Kind::job) condition = Condition::ready;
      if (condition == Condition::healthy && on.checks.empty()) condition = Condition::started;
    }
  }
}

void draw_guest(Dice& dice, config::Model& model) {
  for (auto* hooks :
       {&model.hooks.post_start, &model.hooks.pre_stop, &model.hooks.post_stop, &model.hooks.on_unhealthy,
        &model.hooks.post_resume}) {
    hooks->assign(dice.one_in(6) ? 1 + dice.below(2) : 0, {"/hook", {}});
  }
  model.checks.clear();
  if (dice.one_in(4)) model.checks.push_back(http_check("guest"));
}

config::Model random_model(Dice& dice) {
  config::Model model;
  const auto count = 1 + dice.below(5);
  for (std::uint32_t i = 0; i < count; ++i) model.services.push_back(random_service(dice, i));
  for (auto& one : model.services) draw_dependencies(dice, model, one);
  draw_guest(dice, model);
  if (dice.one_in(6)) model.hooks.pre_start.push_back({"/hook", {}});
  model.shutdown_timeout = seconds(8);
  make_valid(model);
  return model;
}

void change(Dice& dice, config::Service& one) {
  switch (dice.below(7)) {
    case 0:
      one.command.args = {std::to_string(dice.below(3))};
      return;
    case 1:
      draw_restart(dice, one);
      return;
    case 2:
      draw_hooks(dice, one);
      return;
    case 3:
      if (one.kind == config::Kind::service) draw_check(dice, one);
      return;
    case 4:
      one.checks.clear();
      return;
    case 5:
      if (!one.schedule) return;
      one.schedule->expression = dice.one_in(2) ? "often" : "seldom";
      one.schedule->concurrency = static_cast<config::Overlap>(dice.below(3));
      return;
    default: {
      auto other = random_service(dice, number_of(one));
      other.depends_on = std::move(one.depends_on);
      one = std::move(other);
    }
  }
}

/// The services in the order of `order`, without those it does not name.
void rearrange(config::Model& model, const std::vector<std::uint32_t>& order) {
  std::vector<std::optional<std::uint32_t>> places(model.services.size());
  std::vector<config::Service> services;
  for (const auto index : order) {
    places[index] = static_cast<std::uint32_t>(services.size());
    services.push_back(std::move(model.services[index]));
  }
  for (auto& one : services) {
    std::erase_if(one.depends_on, [&](const auto& dependency) { return !places[dependency.service]; });
    for (auto& dependency : one.depends_on) dependency.service = *places[dependency.service];
  }
  model.services = std::move(services);
}

/// Services removed, reordered, changed and added; sometimes nothing at all.
config::Model mutate(Dice& dice, config::Model model) {
  if (dice.one_in(6)) return model;
  std::vector<std::uint32_t> order;
  for (std::uint32_t i = 0; i < model.services.size(); ++i) {
    if (!dice.one_in(5)) order.push_back(i);
  }
  for (std::size_t i = order.size(); i > 1 && dice.one_in(2); --i) {
    std::swap(order[i - 1], order[dice.below(static_cast<std::uint32_t>(i))]);
  }
  rearrange(model, order);
  for (auto& one : model.services) {
    if (dice.one_in(3)) change(dice, one);
    if (dice.one_in(4)) draw_dependencies(dice, model, one);
  }
  for (std::uint32_t number = 0; number < most_services; ++number) {
    const bool is_taken = std::any_of(model.services.begin(), model.services.end(),
                                      [&](const auto& one) { return number_of(one) == number; });
    if (is_taken || !dice.one_in(model.services.empty() ? 1 : 8)) continue;
    auto added = random_service(dice, number);
    draw_dependencies(dice, model, added);
    model.services.push_back(std::move(added));
  }
  if (dice.one_in(4)) draw_guest(dice, model);
  if (dice.one_in(12)) model.environment = {{"N", config::Literal{std::to_string(dice.below(3))}}};
  make_valid(model);
  return model;
}

std::optional<WallTime> every_few_seconds(const config::Schedule& schedule, WallTime after) {
  return after + seconds(schedule.expression == "often" ? 2 : 5);
}

// --- the world -------------------------------------------------------------------------------------------

/// What really runs.
struct RealProcess {
  Subject subject;
  RunId run;
  bool has_execed = false;
  bool is_ready = false;
  bool is_main_alive = true;
  bool has_others = false;
  bool was_asked_to_end = false;
};

/// What a service's latest run came to.
struct Books {
  std::optional<RunId> run;
  bool is_healthy = false;
  bool has_completed = false;
  bool is_stopped_by_operator = false;
  /// A reload forbade what it found: runs side by side, which go on, with their hooks, until they end.
  bool has_old_company = false;
  bool is_next_start_asked_for =
      true;  ///< an operator's doing, or the first; else it counts against the budget
  std::vector<MonotonicTime> restarts;
};

class History {
 public:
  explicit History(std::uint64_t seed)
      : seed_(seed),
        dice_(seed),
        has_reloads_(dice_.one_in(2)),
        model_(std::make_shared<const config::Model>(random_model(dice_))),
        supervisor_(model_, seed, every_few_seconds),
        books_(model_->services.size()) {}

  void play() {
    supervisor_.begin(now());
    carry_out();
    for (int i = 0; i < steps_per_history && !has_finished_; ++i) step();
    if (!has_finished_) end();
  }

 private:
  [[nodiscard]] Now now() const { return {clock_, WallTime(milliseconds(to_ms(clock_))) + stepped_}; }

  void require(bool holds, const std::string& rule) const {
    if (holds) return;
    std::ostringstream text;
    text << "seed " << seed_ << ": " << rule;
    FAIL(text.str());
  }

  // --- what can happen -----------------------------------------------------------------------------------
  void step() {
    if (has_reloads_ && dice_.one_in(10)) return reload();
    switch (dice_.below(10)) {
      case 0:
        return command();
      case 1:
        return pass_time();
      case 2:
        return pass_time();
      case 3:
        return end_probe();
      case 4:
        return end_probe();
      default:
        return move_process();
    }
  }

  void tell(const Event& event) {
    supervisor_.handle(event, now());
    carry_out();
  }

  void set_clock() {
    stepped_ += milliseconds(dice_.below(20'000)) - seconds(10);
    if (!dice_.one_in(4)) tell(ClockWasSet{});
  }

  void pass_time() {
    if (dice_.one_in(20)) return set_clock();
    const auto deadline = supervisor_.next_deadline();
    const auto step = milliseconds(dice_.below(2000));
    if (deadline && *deadline <= clock_ + step) {
      clock_ = std::max(clock_, *deadline);
      tell(DeadlinePassed{});
    } else {
      clock_ += step;
      if (dice_.one_in(4)) tell(DeadlinePassed{});  // a timer may fire early: nothing may come of it
    }
  }

  void move_process() {
    if (processes_.empty()) return pass_time();
    auto& process = processes_[dice_.below(static_cast<std::uint32_t>(processes_.size()))];
    if (!process.has_execed) return start_or_fail(process);
    if (speaks(process) && !process.is_ready && dice_.one_in(2)) return speak(process);
    if (process.is_main_alive) {
      const bool is_willing = process.was_asked_to_end ? !dice_.one_in(3) : dice_.one_in(4);
      if (is_willing) end_main(process);
    } else {
      end_others(process);
    }
  }

  void reload() {
    auto next = std::make_shared<const config::Model>(mutate(dice_, *model_));
    const bool is_expected = !next_model_ && supervisor_.phase() == Phase::up;
    const auto reply = supervisor_.reload(next, now());
    require((reply.verdict == Reply::Verdict::done) == is_expected, "a reload was taken or refused wrongly");
    if (is_expected) next_model_ = std::move(next);
    carry_out();
  }

  [[nodiscard]] const config::Service* service_of(const RealProcess& process) const {
    const auto* id = std::get_if<ServiceId>(&process.subject);
    return id ? &model_->services[id->value] : nullptr;
  }

  [[nodiscard]] static std::optional<ServiceId> owner_of(const RealProcess& process) {
    if (const auto* id = std::get_if<ServiceId>(&process.subject)) return *id;
    const auto* hook = std::get_if<ServiceHook>(&process.subject);
    return hook ? std::optional(hook->service) : std::nullopt;
  }

  [[nodiscard]] bool speaks(const RealProcess& process) const {
    const auto* one = service_of(process);
    return one && process.is_main_alive && std::holds_alternative<config::ReadyByNotify>(one->ready);
  }

  void speak(RealProcess& process) {
    const auto run = process.run;
    if (dice_.one_in(8)) return tell(ReadinessRuledOut{run, "it closed its descriptor"});
    process.is_ready = true;
    if (dice_.one_in(2)) return tell(ReadinessReported{run});
    Notified message{.run = run, .is_ready = true};
    if (dice_.one_in(3)) message.watchdog = seconds(1 + dice_.below(3));
    tell(message);
  }

  void start_or_fail(RealProcess& process) {
    if (!dice_.one_in(8)) {
      process.has_execed = true;
      const auto* one = service_of(process);
      process.is_ready = one && std::holds_alternative<config::ReadyWhenStarted>(one->ready);
      return tell(ProcessStarted{process.run, pid_of(process)});
    }
    const auto run = process.run;
    forget(run);
    tell(ProcessFailedToStart{run, "exec", "no such file", 2});
  }

  void end_main(RealProcess& process) {
    process.is_main_alive = false;
    process.has_others = dice_.one_in(4);
    const Exit exit{.code = dice_.one_in(3) ? 0 : static_cast<int>(dice_.below(80)),
                    .signal = dice_.one_in(4) ? 9 : 0};
    note_end(process, exit);
    const auto run = process.run;
    const bool leaves_others = process.has_others;
    if (!leaves_others) forget(run);
    tell(ProcessExited{run, exit, leaves_others});
  }

  void end_others(RealProcess& process) {
    if (!process.was_asked_to_end) return;  // they live until they are killed
    const auto run = process.run;
    forget(run);
    tell(ProcessesGone{run});
  }

  void note_end(const RealProcess& process, const Exit& exit) {
    const auto* id = std::get_if<ServiceId>(&process.subject);
    if (!id) return;
    auto& books = books_[id->value];
    books.is_healthy = false;
    const auto& definition = model_->services[id->value];
    books.has_completed = definition.kind == config::Kind::job && exit == Exit{};
    // A run that was ended on request does not count against the budget when the next one begins.
    if (!process.was_asked_to_end) books.is_next_start_asked_for = false;
  }

  void end_probe() {
    if (probes_.empty()) return pass_time();
    auto chosen = probes_.begin();
    std::advance(chosen, dice_.below(static_cast<std::uint32_t>(probes_.size())));
    const auto [check, probe] = *chosen;
    probes_.erase(chosen);
    const bool is_ok = !dice_.one_in(3);
    if (const auto owner = supervisor_.owner(check)) {
      if (is_ok) books_[owner->value].is_healthy = true;
      for (auto& process : processes_) {
        const auto* one = service_of(process);
        const bool is_told_by_port = one && std::holds_alternative<config::ReadyByTcp>(one->ready);
        if (is_ok && is_told_by_port && process.subject == Subject(*owner)) process.is_ready = true;
      }
    }
    tell(ProbeFinished{check, probe, is_ok, "refused"});
    sync_health();
  }

  /// Whether a failure made a service unhealthy depends on thresholds that health_test.cc proves; here it is
  /// believed.
  void sync_health() {
    for (std::uint32_t i = 0; i < books_.size(); ++i) {
      books_[i].is_healthy = supervisor_.view(ServiceId{i}, now()).health == Health::healthy;
    }
  }

  void command() {
    const ServiceId id{dice_.below(static_cast<std::uint32_t>(model_->services.size()))};
    Command command = StartService{id};
    switch (dice_.below(10)) {
      case 0:
      case 1:
      case 2:
        command = StopService{id, dice_.one_in(2)};
        break;
      case 3:
      case 4:
        command = RestartService{id};
        break;
      case 5:
        command = SignalService{id, 1};
        break;
      case 6:
        if (dice_.one_in(10)) command = ShutDown{};
        break;
      default:
        break;
    }
    const auto reply = supervisor_.apply(command, now());
    const bool stops = std::holds_alternative<StopService>(command);
    for (const auto changed : reply.changed) {
      auto& books = books_[changed.value];
      books.is_stopped_by_operator = stops;
      if (!std::holds_alternative<SignalService>(command)) {
        books.is_next_start_asked_for = true;
        books.restarts.clear();
      }
    }
    carry_out();
  }

  /// Everything must come to an end, however unwilling.
  void end() {
    for (int i = 0; i < 2000 && next_model_ && !has_finished_; ++i) let_go_on();
    require(has_finished_ || !next_model_, "a reload did not end");
    if (has_finished_) return;
    (void)supervisor_.apply(ShutDown{}, now());
    carry_out();
    for (int i = 0; i < 2000 && !has_finished_; ++i) let_go_on();
    require(has_finished_, "a shutdown did not end");
  }

  void let_go_on() {
    if (!processes_.empty() && dice_.one_in(2)) {
      move_process();
    } else {
      pass_time();
    }
  }

  // --- what is asked for, judged
  // -----------------------------------------------------------------------------
  void carry_out() {
    while (true) {
      const auto effects = supervisor_.take_effects(now());
      if (effects.empty()) break;
      for (const auto& effect : effects) {
        require(!has_finished_, "an effect came after Finish");
        std::visit([this](const auto& one) { judge(one); }, effect);
      }
    }
    require(&supervisor_.model() == model_.get(), "a model was taken over without a word");
    if (!supervisor_.is_reloading()) next_model_.reset();  // a shutdown ends a reload
  }

  void judge(const SpawnProcess& spawn) {
    for (const auto& process : processes_) {
      const bool is_dying_hook = !service_of(process) && process.was_asked_to_end;
      require(process.subject != spawn.subject || is_dying_hook || may_overlap(spawn.subject),
              "a second instance while processes of the first live");
    }
    if (const auto* id = std::get_if<ServiceId>(&spawn.subject)) judge_start(*id, spawn.run);
    if (const auto* hook = std::get_if<ServiceHook>(&spawn.subject)) judge_hook(*hook);
    processes_.push_back({spawn.subject, spawn.run});
  }

  [[nodiscard]] bool may_overlap(const Subject& subject) const {
    if (const auto* id = std::get_if<ServiceId>(&subject)) return overlaps(model_->services[id->value]);
    const auto* hook = std::get_if<ServiceHook>(&subject);
    return hook &&
           (overlaps(model_->services[hook->service.value]) || books_[hook->service.value].has_old_company);
  }

  void judge_hook(const ServiceHook& hook) {
    if (may_overlap(hook)) return;  // whose of several runs it is cannot be seen from outside
    const bool needs_main = hook.kind == HookKind::post_start || hook.kind == HookKind::pre_stop;
    bool has_main = false;
    for (const auto& process : processes_) has_main = has_main || process.subject == Subject(hook.service);
    require(has_main == needs_main, needs_main ? "a hook beside a process that is not there"
                                               : "a hook before or after a process that is still there");
  }

  void judge_start(ServiceId id, RunId run) {
    auto& books = books_[id.value];
    const auto& definition = model_->services[id.value];
    require(!books.is_stopped_by_operator, definition.name + " was started although an operator stopped it");
    for (const auto& dependency : definition.depends_on) {
      if (dependency.required) {
        require(is_open(dependency), definition.name + " was started before its gate to s" +
                                         std::to_string(dependency.service) + " was open");
      }
    }
    if (!books.is_next_start_asked_for && definition.restart.max_restarts > 0 && !definition.schedule) {
      std::erase_if(books.restarts,
                    [&](MonotonicTime at) { return at <= clock_ - definition.restart.window; });
      books.restarts.push_back(clock_);
      require(books.restarts.size() <= definition.restart.max_restarts + 1,
              definition.name + " exceeded its budget of restarts");
    }
    books.is_next_start_asked_for = true;
    books.run = run;
    books.has_completed = false;
    books.is_healthy = false;
  }

  [[nodiscard]] bool is_open(const config::Dependency& dependency) const {
    const auto& books = books_[dependency.service];
    if (books.has_completed) return true;
    if (dependency.condition == Condition::completed) return false;
    for (const auto& process : processes_) {
      if (process.subject != Subject(ServiceId{dependency.service})) continue;
      const bool runs = process.is_main_alive && process.has_execed;
      const bool is_ready = dependency.condition == Condition::started || process.is_ready;
      const bool is_healthy = dependency.condition != Condition::healthy || books.is_healthy;
      if (runs && is_ready && is_healthy) return true;
    }
    return false;
  }

  void judge(const SignalProcess& signal) {
    if (signal.receiver == Receiver::main_process) return;
    for (auto& process : processes_) {
      if (process.run == signal.run) process.was_asked_to_end = true;
    }
  }

  void judge(const KillProcesses& kill) {
    for (auto& process : processes_) {
      if (process.run == kill.run) process.was_asked_to_end = true;
    }
  }

  void judge(const StartProbe& start) {
    require(!probes_.contains(start.check), "two probes of one check at a time");
    if (const auto owner = supervisor_.owner(start.check)) {
      bool runs = false;
      for (const auto& process : processes_) {
        runs = runs || (process.subject == Subject(*owner) && process.is_main_alive && process.has_execed);
      }
      require(runs, "a probe of a service that does not run");
    }
    probes_.emplace(start.check, start.probe);
  }

  void judge(const CancelProbe& cancel) {
    std::erase_if(probes_, [&](const auto& one) { return one.second == cancel.probe; });
  }

  void judge(const Publish& publish) {
    if (publish.notice.type == NoticeType::service_healthy)
      books_[publish.notice.service->value].is_healthy = true;
  }

  /// The books follow the names. What is made as before lives on; of all else nothing may be left.
  void judge(const AdoptModel&) {
    require(next_model_ != nullptr, "a model was taken over that nobody asked for");
    require(probes_.empty(), "a probe of the old model lives on");
    const auto plan = plan_reload(*model_, *next_model_);
    const auto is_kept = [&](const std::string& name) {
      const auto has = [&](const auto& list) {
        return std::find(list.begin(), list.end(), name) != list.end();
      };
      return has(plan.unchanged) || has(plan.updated);
    };
    const auto old_model = std::exchange(model_, std::exchange(next_model_, nullptr));
    const auto old_books = std::exchange(books_, std::vector<Books>(model_->services.size()));
    for (std::uint32_t i = 0; i < old_books.size(); ++i) {
      const auto& name = old_model->services[i].name;
      const auto id = supervisor_.find(name);
      if (id && is_kept(name)) {
        books_[id->value] = old_books[i];
        books_[id->value].has_old_company |= overlaps(old_model->services[i]);
      }
      if (id && !is_kept(name))
        books_[id->value].is_stopped_by_operator = old_books[i].is_stopped_by_operator;
    }
    for (auto& process : processes_) {
      if (const auto* id = std::get_if<ServiceId>(&process.subject)) {
        const auto& name = old_model->services[id->value].name;
        require(is_kept(name), name + " was replaced while its processes lived");
        process.subject = *supervisor_.find(name);
        require(!process.is_main_alive || !process.has_execed || shows(process),
                name + " was taken for another process");
      } else if (auto* hook = std::get_if<ServiceHook>(&process.subject); hook && hook->service != nobody) {
        hook->service = supervisor_.find(old_model->services[hook->service.value].name).value_or(nobody);
      }
    }
    sync_health();
  }

  [[nodiscard]] static int pid_of(const RealProcess& process) {
    return 1000 + static_cast<int>(process.run.value);
  }
  [[nodiscard]] bool shows(const RealProcess& process) const {
    const auto view = supervisor_.view(std::get<ServiceId>(process.subject), now());
    return view.pid == pid_of(process) ||
           std::any_of(view.runs.begin(), view.runs.end(),
                       [&](const RunView& run) { return run.pid == pid_of(process); });
  }

  void judge(const Finish&) {
    has_finished_ = true;
    // Only what cannot even be killed may be left, and only after the patience for it is over.
    for (const auto& process : processes_)
      require(process.was_asked_to_end, "finished with a process nobody asked to end");
  }

  void forget(RunId run) {
    std::erase_if(processes_, [&](const RealProcess& one) { return one.run == run; });
    for (std::uint32_t i = 0; i < books_.size(); ++i) {
      const auto is_its = [&](const RealProcess& one) { return owner_of(one) == ServiceId{i}; };
      if (std::none_of(processes_.begin(), processes_.end(), is_its)) books_[i].has_old_company = false;
    }
  }

  /// Whose a dying hook of a removed service is.
  static constexpr ServiceId nobody{~std::uint32_t{0}};

  std::uint64_t seed_;
  Dice dice_;
  bool has_reloads_;
  SharedModel model_;
  SharedModel next_model_;  ///< while a reload is under way
  Supervisor supervisor_;
  MonotonicTime clock_{seconds(1)};
  milliseconds stepped_{};  ///< by how much the wall clock was set
  std::vector<RealProcess> processes_;
  std::map<CheckId, ProbeId> probes_;
  std::vector<Books> books_;
  bool has_finished_ = false;
};

TEST_CASE("a hundred thousand random histories break no rule", "[core][simulation]") {
  if (const char* one = std::getenv("KESTREL_SIMULATION_SEED"))
    return History(std::strtoull(one, nullptr, 10)).play();
  for (std::uint64_t seed = 1; seed <= histories; ++seed) History(seed).play();
  SUCCEED();
}

}  // namespace
}  // namespace kestrel::core
