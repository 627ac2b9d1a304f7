#include "hostd/cli/volume_command_line.h"

#include <CLI/CLI.hpp>
#include <memory>

#include "hostd/cli/output_format.h"
#include "hostd/cli/volume_commands.h"

namespace kestrel::hostd {

namespace {

struct ListOptions {
  OutputFormat format = OutputFormat::table;
  bool is_quiet = false;
};

void add_list(CLI::App& volumes, std::function<int()>& action) {
  const auto options = std::make_shared<ListOptions>();
  CLI::App* list = volumes.add_subcommand("list", "All volumes");
  list->alias("ls");
  add_output_option(*list, options->format);
  list->add_flag("-q,--quiet", options->is_quiet, "only their names");
  list->callback([options, &action] {
    action = [options] {
      return options->is_quiet ? list_volume_names_command() : list_volumes_command(options->format);
    };
  });
}

void add_remove(CLI::App& volumes, std::function<int()>& action) {
  const auto names = std::make_shared<std::vector<std::string>>();
  CLI::App* remove = volumes.add_subcommand("rm", "Remove volumes, with all that is in them");
  remove->add_option("VOLUME", *names, "which ones")->required()->type_name("VOLUME");
  remove->callback([names, &action] { action = [names] { return remove_volumes_command(*names); }; });
}

}  // namespace

void add_volume_commands(CLI::App& app, std::function<int()>& action) {
  CLI::App* volumes = app.add_subcommand("volumes", "The disks that `run --volume` keeps");
  volumes->require_subcommand(1);
  add_list(*volumes, action);
  add_remove(*volumes, action);
}

}  // namespace kestrel::hostd
