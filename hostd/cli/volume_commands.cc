#include "hostd/cli/volume_commands.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "hostd/cli/failure.h"
#include "hostd/disks/volumes.h"
#include "kestrel/base/table.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

std::string as_table(const std::vector<KeptVolume>& volumes) {
  Table table({"NAME", "SIZE", "ALLOCATED", "STATE"});
  for (const KeptVolume& volume : volumes) {
    table.add({volume.name, format_bytes(volume.size), format_bytes(volume.allocated),
               volume.is_in_use ? "in use" : "free"});
  }
  return table.text();
}

std::string as_json(const std::vector<KeptVolume>& volumes, const std::string& folder) {
  nlohmann::json list = nlohmann::json::array();
  for (const KeptVolume& volume : volumes) {
    list.push_back({{"name", volume.name},
                    {"size_bytes", volume.size.count},
                    {"allocated_bytes", volume.allocated.count},
                    {"in_use", volume.is_in_use},
                    {"path", volume_path(folder, volume.name)}});
  }
  return nlohmann::json({{"volumes", list}}).dump(2) + "\n";
}

}  // namespace

int list_volumes_command(OutputFormat format) {
  const std::string folder = volumes_dir();
  const auto volumes = list_volumes(folder);
  std::fputs((format == OutputFormat::table ? as_table(volumes) : in_format(format, as_json(volumes, folder)))
                 .c_str(),
             stdout);
  return 0;
}

int list_volume_names_command() {
  for (const KeptVolume& volume : list_volumes(volumes_dir())) std::puts(volume.name.c_str());
  return 0;
}

int remove_volumes_command(const std::vector<std::string>& names) {
  int status = 0;
  for (const std::string& name : names) {
    const auto removed = remove_volume(volumes_dir(), name);
    if (!removed) status = fail(ExitCode::host_error, removed.error().message);
  }
  return status;
}

}  // namespace kestrel::hostd
