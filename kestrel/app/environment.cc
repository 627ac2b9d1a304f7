#include "kestrel/app/environment.h"

#include <unistd.h>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::app {

namespace {

std::string_view unquoted(std::string_view value) {
  const bool is_quoted =
      value.size() >= 2 && (value.front() == '"' || value.front() == '\'') && value.back() == value.front();
  return is_quoted ? value.substr(1, value.size() - 2) : value;
}

Result<std::string> read_value(const config::FromFile& source) {
  auto content = sys::read_file(source.path);
  if (!content) {
    if (source.fallback) return *source.fallback;
    return content.error();
  }
  if (content->ends_with('\n')) content->pop_back();
  return std::move(*content);
}

Result<std::string> value_of(const config::EnvironmentEntry& entry, const GuestEnvironment& guest) {
  return std::visit(overloaded{
                        [](const config::Literal& literal) -> Result<std::string> { return literal.value; },
                        [&](const config::FromVmEnvironment& source) -> Result<std::string> {
                          const auto found = guest.vm.find(entry.name);
                          if (found != guest.vm.end()) return found->second;
                          if (source.fallback) return *source.fallback;
                          return Error{"it is not in the VM's environment and has no default"};
                        },
                        [](const config::FromFile& source) { return read_value(source); },
                    },
                    entry.source);
}

/// What a service manager says to this process alone (sd_notify(3), sd_watchdog_enabled(3)).
bool is_meant_for_us(std::string_view name) {
  return name == "NOTIFY_SOCKET" || name == "WATCHDOG_PID" || name == "WATCHDOG_USEC";
}

}  // namespace

Result<void> read_environment_file(const config::EnvironmentFile& file, Environment& into) {
  const auto content = sys::read_file(file.path);
  if (!content) {
    if (file.is_optional && content.error().code == ENOENT) return {};
    return content.error();
  }
  std::size_t number = 0;
  for (auto line : split(*content, '\n')) {
    ++number;
    line = trim(line);
    if (line.empty() || line.front() == '#') continue;
    if (line.starts_with("export ")) line = trim(line.substr(7));
    const auto equals = line.find('=');
    if (equals == 0 || equals == std::string_view::npos) {
      return Error{concat("cannot read ", file.path, ": line ", number, " is not NAME=VALUE")};
    }
    into.insert_or_assign(std::string(line.substr(0, equals)),
                          std::string(unquoted(line.substr(equals + 1))));
  }
  return {};
}

Environment own_environment() {
  Environment out;
  for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto equals = text.find('=');
    if (equals == 0 || equals == std::string_view::npos || is_meant_for_us(text.substr(0, equals))) continue;
    out.emplace(text.substr(0, equals), text.substr(equals + 1));
  }
  return out;
}

Result<void> add_entries(const std::vector<config::EnvironmentEntry>& entries, const GuestEnvironment& guest,
                         Environment& into) {
  for (const auto& entry : entries) {
    auto value = value_of(entry, guest);
    if (!value) return value.error().in(concat("cannot set ", entry.name));
    into.insert_or_assign(entry.name, std::move(*value));
  }
  return {};
}

std::vector<std::string> as_entries(const Environment& environment) {
  std::vector<std::string> out;
  out.reserve(environment.size());
  for (const auto& [name, value] : environment) out.push_back(concat(name, '=', value));
  return out;
}

}  // namespace kestrel::app
