#include "hostd/cli/output_option.h"

#include <CLI/CLI.hpp>
#include <map>

namespace kestrel::hostd {

void add_output_option(CLI::App& command, OutputFormat& format) {
  const std::map<std::string, OutputFormat> formats = {{"table", OutputFormat::table},
                                                       {"json", OutputFormat::json}};
  command.add_option("-o,--output", format, "table by default")
      ->type_name("table|json")
      ->transform(CLI::CheckedTransformer(formats, CLI::ignore_case).description(""));
}

}  // namespace kestrel::hostd
