// kestrel: PID 1 of a guest, or a supervisor anywhere else.
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "kestrel/app/check_command.h"
#include "kestrel/app/guest.h"
#include "kestrel/app/run_command.h"

namespace {

constexpr auto about = R"(Kestrel: PID 1, process supervisor and agent of a microVM.

As PID 1 without arguments it boots the guest by /etc/kestrel/config.yaml. `kestrel run` is the same supervisor in a
container or on an ordinary system, where it mounts nothing and powers nothing off.)";

void add_run(CLI::App& app, int& status) {
  static kestrel::app::RunOptions options;
  static std::string api;
  auto* run =
      app.add_subcommand("run", "Run the services of a configuration here, until they end or SIGTERM");
  run->add_option("-c,--config", options.config, "The configuration")->required()->type_name("FILE");
  run->add_option("--api", api, "Serve the API on a Unix socket")
      ->type_name("unix:PATH")
      ->check([](const std::string& value) {
        return value.starts_with("unix:") && value.size() > 5 ? std::string()
                                                              : "it must have the form unix:PATH";
      });
  run->add_option("--cgroup", options.cgroup,
                  "A writable cgroup v2 directory to keep each service contained in")
      ->type_name("DIR");
  run->add_option("--log-format", options.log_format, "Form of the log on standard error: text or json")
      ->transform(CLI::CheckedTransformer(std::map<std::string, kestrel::sys::LogFormat>{
          {"text", kestrel::sys::LogFormat::text}, {"json", kestrel::sys::LogFormat::json}}));
  run->callback([&status] {
    if (!api.empty()) options.api = api.substr(5);
    status = kestrel::app::run_services(options);
  });
}

void add_check(CLI::App& app, int& status) {
  static std::string file;
  static std::optional<std::string> root;
  static bool json = false;
  auto* check =
      app.add_subcommand("check", "Say all that is wrong with a configuration; status 1 if anything is");
  check->add_option("file", file, "The configuration")->required()->type_name("FILE");
  check->add_option("--root", root, "Also look for the programs and users it names in this root filesystem")
      ->type_name("DIR");
  check->add_flag("--json", json, "For machines");
  check->callback([&status] { status = kestrel::app::run_check(file, root, json); });
}

/// The kernel hands PID 1 the words of its command line that it does not know; those are not meant for us.
bool has_arguments_for_us(int argc, char** argv) {
  if (argc < 2) return false;
  const std::string_view first(argv[1]);
  return first == "run" || first == "check" || first.starts_with("-");
}

}  // namespace

int main(int argc, char** argv) {
  if (getpid() == 1 && !has_arguments_for_us(argc, argv)) kestrel::app::run_guest();

  CLI::App app(about);
  app.set_version_flag("--version", KESTREL_VERSION);
  app.require_subcommand(1);
  int status = 0;
  add_run(app, status);
  add_check(app, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  return status;
}
