#include "kestrel/app/command_line.h"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string_view>

#include "kestrel/app/check_command.h"
#include "kestrel/app/graph_command.h"
#include "kestrel/app/run_command.h"
#include "kestrel/app/subcommands.h"
#include "kestrel/app/unix_address.h"
#include "kestrel/base/text.h"
#include "kestrel/config/reference.h"
#include "kestrel/config/schema.h"

namespace kestrel::app {

namespace {

constexpr auto about = R"(Kestrel: PID 1, process supervisor and agent of a microVM.

As PID 1 without arguments it boots the guest by /etc/kestrel/config.yaml. `kestrel run` is the same supervisor in a
container or on an ordinary system, where it mounts nothing and powers nothing off. Commands such as `kestrel status`
talk to a kestrel that runs.)";

constexpr int status_usage = 2;

void add_run(CLI::App& command, Action& action) {
  struct Options {
    RunOptions run;
    std::string api;
    std::string log_format = "text";
  };
  const auto options = std::make_shared<Options>();
  command.add_option("-c,--config", options->run.config, "The configuration")->required()->type_name("FILE");
  command.add_option("--api", options->api, "Serve the API on a Unix socket")
      ->type_name("unix:PATH")
      ->check(unix_address_error);
  command
      .add_option("--cgroup", options->run.cgroup,
                  "A writable cgroup v2 directory to keep each service contained in")
      ->type_name("DIR");
  set_choice(*command.add_option("--log-format", options->log_format, "Form of the log on standard error"),
             {"text", "json"});
  command.callback([options, &action] {
    RunOptions& run = options->run;
    if (!options->api.empty()) run.api = options->api.substr(unix_scheme.size());
    if (options->log_format == "json") run.log_format = sys::LogFormat::json;
    action = [options] { return run_services(options->run); };
  });
}

void add_check(CLI::App& command, Action& action) {
  struct Options {
    std::string file;
    std::optional<std::string> root;
    bool json = false;
  };
  const auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "The configuration")->required()->type_name("FILE");
  command
      .add_option("--root", options->root,
                  "Also look for the programs and users it names in this root filesystem")
      ->type_name("DIR");
  command.add_flag("--json", options->json, "For machines");
  command.callback([options, &action] {
    action = [options] { return run_check(options->file, options->root, options->json); };
  });
}

void add_graph(CLI::App& command, Action& action) {
  struct Options {
    std::string file;
    std::string format = "dot";
  };
  const auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "The configuration")->required()->type_name("FILE");
  set_choice(*command.add_option("--format", options->format, "For Graphviz or Mermaid; default dot"),
             {"dot", "mermaid"});
  command.callback([options, &action] {
    action = [options] {
      using config::GraphFormat;
      return run_graph(options->file, options->format == "dot" ? GraphFormat::dot : GraphFormat::mermaid);
    };
  });
}

void add_schema(CLI::App& command, Action& action) {
  const auto is_markdown = std::make_shared<bool>(false);
  command.add_flag("--markdown", *is_markdown, "Print tables of all keys for people instead");
  command.callback([is_markdown, &action] {
    action = [is_markdown] {
      std::puts((*is_markdown ? config::reference_markdown() : config::schema_json()).c_str());
      return 0;
    };
  });
}

constexpr Subcommand own_subcommands[] = {
    {"run", "Run the services of a configuration here, until they end or SIGTERM", add_run},
    {"check", "Say all that is wrong with a configuration; status 1 if anything is", add_check},
    {"graph", "Print who waits for whom, to be drawn by Graphviz or Mermaid", add_graph},
    {"schema", "Print the JSON Schema of the configuration", add_schema},
};

/// Calls `visit` with each subcommand of all tables.
template <typename Visit>
void for_each_subcommand(Visit visit) {
  for (const Subcommand& each : own_subcommands) visit(each);
  for (const Subcommand& each : client_subcommands()) visit(each);
}

bool is_subcommand(std::string_view word) {
  bool is_one = false;
  for_each_subcommand([&](const Subcommand& each) { is_one = is_one || word == each.name; });
  return is_one;
}

}  // namespace

void set_choice(CLI::Option& option, std::vector<std::string> words) {
  option.type_name(join(words, "|"));
  option.check([words = std::move(words)](const std::string& text) {
    const bool is_one = std::find(words.begin(), words.end(), text) != words.end();
    return is_one ? std::string() : concat("it must be ", join(words, " or "));
  });
}

void add_subcommands(CLI::App& app, Action& action) {
  for_each_subcommand(
      [&](const Subcommand& each) { each.add(*app.add_subcommand(each.name, each.description), action); });
}

bool is_command_line(int argc, char** argv) {
  return argc >= 2 && (std::string_view(argv[1]).starts_with("-") || is_subcommand(argv[1]));
}

int run_command_line(int argc, char** argv) {
  CLI::App app(about, "kestrel");
  app.set_version_flag("--version", KESTREL_VERSION);
  app.require_subcommand(1);
  Action action;
  // Describing them all takes a millisecond, which the start of a service would wait for.
  const std::string_view only = argc >= 2 && is_subcommand(argv[1]) ? argv[1] : "";
  for_each_subcommand([&](const Subcommand& each) {
    if (only.empty() || only == each.name) each.add(*app.add_subcommand(each.name, each.description), action);
  });
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : status_usage;
  }
  return action();
}

}  // namespace kestrel::app
