#include <CLI/CLI.hpp>
#include <memory>

#include "hostd/cli/image_commands.h"

namespace kestrel::hostd {

namespace {

struct ImageOptions {
  std::vector<std::string> words;
  OutputFormat format = OutputFormat::table;
  bool is_quiet = false;
  bool is_forced = false;
};

void add_install(CLI::App& images, const std::shared_ptr<ImageOptions>& options,
                 std::function<int()>& action) {
  CLI::App* install = images.add_subcommand("install", "Install images, after a look at their checksums");
  install->add_option("IMAGE", options->words, "what `build` has made, or a folder with a manifest.json")
      ->required()
      ->type_name("FILE");
  install->callback([options, &action] { action = [options] { return install_command(options->words); }; });
}

void add_list(CLI::App& images, const std::shared_ptr<ImageOptions>& options, std::function<int()>& action) {
  CLI::App* list = images.add_subcommand("list", "What is installed, the newest of a name first");
  list->alias("ls");
  add_output_option(*list, options->format);
  list->add_flag("-q,--quiet", options->is_quiet, "only their names and versions");
  list->callback([options, &action] {
    action = [options] {
      return options->is_quiet ? list_image_names_command() : list_images_command(options->format);
    };
  });
}

void add_show(CLI::App& images, const std::shared_ptr<ImageOptions>& options, std::function<int()>& action) {
  CLI::App* show = images.add_subcommand("show", "An image's manifest, and when it was installed");
  show->add_option("IMAGE", options->words, "NAME, or NAME:VERSION")
      ->required()
      ->expected(1)
      ->type_name("IMAGE");
  add_output_option(*show, options->format);
  show->callback([options, &action] {
    action = [options] { return show_image_command(options->words.front(), options->format); };
  });
}

void add_remove(CLI::App& images, const std::shared_ptr<ImageOptions>& options,
                std::function<int()>& action) {
  CLI::App* remove = images.add_subcommand("rm", "Remove images, and the files that nothing else needs");
  remove->add_option("IMAGE", options->words, "NAME, or NAME:VERSION")->required()->type_name("IMAGE");
  remove->add_flag("-f,--force", options->is_forced, "also where a VM uses it");
  remove->callback([options, &action] {
    action = [options] { return remove_images_command(options->words, options->is_forced); };
  });
}

}  // namespace

void add_image_commands(CLI::App& app, std::function<int()>& action) {
  CLI::App* images = app.add_subcommand("images", "Install images, show and remove them");
  images->alias("plugins");
  images->require_subcommand(1);
  const auto options = std::make_shared<ImageOptions>();
  add_install(*images, options, action);
  add_list(*images, options, action);
  add_show(*images, options, action);
  add_remove(*images, options, action);
}

}  // namespace kestrel::hostd
