// A guest made by hand, for the API: it is what a test says it is, and remembers what it was told.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "kestrel/control/guest.h"
#include "kestrel/control/journal.h"
#include "kestrel/control/log_ring.h"

namespace kestrel::control::test {

constexpr Now at{MonotonicTime(seconds(100)), WallTime(milliseconds(1'700'000'000'000))};

class FakeGuest : public Guest {
 public:
  std::vector<core::ServiceView> services;
  std::vector<core::Command> commands;  ///< everything that was asked for
  core::Reply reply;
  ConfigText config{"exec: []\n", "0123456789abcdef"};
  std::vector<std::pair<std::string, ReloadMode>> reloads;  ///< every one that was asked for
  ReloadReport report;
  core::HealthView health_view;
  InfoView info_view;
  Usage used{.memory = kibibytes(4), .memory_peak = {}, .cpu = milliseconds(12)};
  std::vector<ServiceTimes> times;
  std::optional<LinkView> link_view;
  EventJournal journal;
  LogRing ring{mebibytes(4)};

  core::ServiceView& add(std::string name) {
    ring.add_source(name, kibibytes(64));
    core::ServiceView& service = services.emplace_back();
    service.name = std::move(name);
    service.kind = "service";
    service.since = at.wall;
    return service;
  }
  void print(std::string_view line, std::uint32_t service = 0) {
    ring.push({service}, LogStream::standard_output, at.wall, line);
  }
  void happen(core::NoticeType type) {
    journal.append(at, {.type = type, .service = {}, .pid = {}, .exit = {}, .reason = {}}, "");
  }

  std::size_t service_count() const override { return services.size(); }
  std::optional<core::ServiceId> find(std::string_view name) const override {
    for (std::uint32_t i = 0; i < services.size(); ++i) {
      if (services[i].name == name) return core::ServiceId{i};
    }
    return std::nullopt;
  }
  std::string name(core::ServiceId id) const override { return services[id.value].name; }
  core::ServiceView view(core::ServiceId id) const override { return services[id.value]; }
  std::optional<Usage> usage(core::ServiceId) const override { return used; }
  std::optional<Duration> uptime(core::ServiceId) const override { return std::nullopt; }
  std::vector<ServiceTimes> service_times() const override { return times; }
  std::optional<LinkView> link() const override { return link_view; }
  core::HealthView health() const override { return health_view; }
  core::Phase phase() const override { return core::Phase::up; }
  InfoView info() const override { return info_view; }
  core::Reply apply(const core::Command& command) override {
    commands.push_back(command);
    return reply;
  }
  ConfigText config_text() const override { return config; }
  ReloadReport reload(std::string text, ReloadMode mode) override {
    reloads.emplace_back(std::move(text), mode);
    return report;
  }
  EventJournal& events() override { return journal; }
  LogRing& logs() override { return ring; }
};

}  // namespace kestrel::control::test
