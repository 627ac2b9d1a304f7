// Programs, their arguments, and hooks.
#include <algorithm>

#include "kestrel/base/text.h"
#include "kestrel/config/keys.h"
#include "kestrel/config/scalars.h"

namespace kestrel::config {
namespace {

constexpr Key<Command> command_keys[] = {
    {"command", into<read_program, &Command::program>, "absolute, or a name looked up in PATH"},
    {"args", into<read_arguments, &Command::args>, "no shell is involved"},
};

constexpr auto read_hooks = read_list<read_hook>;

constexpr Key<Hooks> service_hook_keys[] = {
    {"pre_start", into<read_hooks, &Hooks::pre_start>,
     "before each start; a failure keeps it from starting, and its restart policy decides"},
    {"post_start", into<read_hooks, &Hooks::post_start>,
     "when it is ready, before its dependents are told; a failure stops it, and its restart policy decides"},
    {"pre_stop", into<read_hooks, &Hooks::pre_stop>,
     "before the stop signal, while it still runs; not when it ended by itself"},
    {"post_stop", into<read_hooks, &Hooks::post_stop>,
     "after each end, also a crash, when nothing of it is left"},
};

constexpr Key<Hooks> guest_hook_keys[] = {
    {"pre_start", into<read_hooks, &Hooks::pre_start>,
     "before the first `exec`; after a failure nothing is started, and the guest ends with its status"},
    {"post_start", into<read_hooks, &Hooks::post_start>, "when everything is ready"},
    {"pre_stop", into<read_hooks, &Hooks::pre_stop>, "before the first service is stopped"},
    {"post_stop", into<read_hooks, &Hooks::post_stop>, "after the last one has ended"},
    {"on_unhealthy", into<read_hooks, &Hooks::on_unhealthy>, "each time the guest becomes unhealthy"},
    {"post_resume", into<read_hooks, &Hooks::post_resume>,
     "each time the host lets a paused guest go on, once the clock is right"},
};

}  // namespace

std::optional<std::string> read_program(Context& context, const Raw& raw) {
  if (context.explores(raw, {ScalarShape::Kind::program})) return std::nullopt;
  auto program = read_word(context, raw);
  if (!program) return std::nullopt;
  if (program->find_first_of(" \t\r\n") != std::string::npos) {
    context.report(raw.at,
                   concat(quoted(*program), " is not one program; its arguments belong under 'args'"));
    return std::nullopt;
  }
  const bool is_relative = program->front() != '/' && program->find('/') != std::string::npos;
  if (is_relative || *program == "." || *program == "..") {
    context.report_expected(raw, "an absolute path or a name without '/'");
    return std::nullopt;
  }
  return program;
}

std::optional<std::vector<std::string>> read_arguments(Context& context, const Raw& raw) {
  return read_list<read_text>(context, raw);
}

std::optional<Command> read_hook(Context& context, const Raw& raw) {
  if (std::holds_alternative<RawMap>(raw.value)) {
    require_key(context, raw, "command");
    return read_struct<Command, command_keys>(context, raw);
  }
  if (!std::holds_alternative<RawScalar>(raw.value)) {
    context.report_expected(raw, "programs or maps with 'command' and 'args'");
    return std::nullopt;
  }
  auto program = read_program(context, raw);
  if (!program) return std::nullopt;
  return Command{*std::move(program), {}};
}

std::optional<Hooks> read_service_hooks(Context& context, const Raw& raw) {
  return read_struct<Hooks, service_hook_keys>(context, raw);
}

std::optional<Hooks> read_guest_hooks(Context& context, const Raw& raw) {
  return read_struct<Hooks, guest_hook_keys>(context, raw);
}

}  // namespace kestrel::config
