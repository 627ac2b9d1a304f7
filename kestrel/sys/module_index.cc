#include "kestrel/sys/module_index.h"

#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/modules.h"

namespace kestrel::sys {

namespace {

constexpr Bytes longest_index = mebibytes(16);

std::string read_index(const std::string& path) { return read_file(path, longest_index).value_or(""); }

bool is_named(std::string_view list, const std::string& name) {
  const auto lines = split(list, '\n');
  return std::any_of(lines.begin(), lines.end(),
                     [&](std::string_view line) { return module_name(line) == name; });
}

std::string below(const std::string& root, std::string_view path) {
  return concat(root, root.ends_with('/') ? "" : "/", path);
}

Result<void> load_files(const std::string& root, std::string_view folder,
                        const std::vector<std::string>& files) {
  for (const std::string& file : files) {
    const bool is_absolute = file.starts_with('/');
    const Module module{is_absolute ? file.substr(1) : concat(folder, '/', file), ""};
    if (auto loaded = load_module(root, module); !loaded) return loaded.error();
  }
  return {};
}

}  // namespace

std::string module_name(std::string_view path) {
  if (const auto slash = path.rfind('/'); slash != std::string_view::npos) path.remove_prefix(slash + 1);
  std::string name(path.substr(0, path.find(".ko")));
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::optional<std::vector<std::string>> files_in_load_order(std::string_view modules_dep,
                                                            std::string_view name) {
  const std::string wanted = module_name(name);
  for (std::string_view line : split(modules_dep, '\n')) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || module_name(line.substr(0, colon)) != wanted) continue;
    std::vector<std::string> files = {std::string(line.substr(0, colon))};
    for (std::string_view needed : split(line.substr(colon + 1), ' ')) {
      if (!needed.empty()) files.emplace_back(needed);
    }
    // A module stands before what it needs.
    std::reverse(files.begin(), files.end());
    return files;
  }
  return std::nullopt;
}

Result<void> load_module_by_name(const std::string& root, const std::string& version, std::string_view name) {
  const std::string plain = module_name(name);
  if (::access(below(root, concat("sys/module/", plain)).c_str(), F_OK) == 0) return {};
  const std::string folder = concat("lib/modules/", version);
  if (const auto files = files_in_load_order(read_index(below(root, folder + "/modules.dep")), plain))
    return load_files(root, folder, *files);
  if (is_named(read_index(below(root, folder + "/modules.builtin")), plain)) return {};
  for (const Module& module : parse_module_list(read_index(below(root, "lib/modules/kestrel.order")))) {
    if (module_name(module.path) == plain) return load_module(root, module);
  }
  return Error{concat("cannot load module ", name, ": it is neither in /", folder,
                      "/modules.dep nor in /lib/modules/kestrel.order"),
               ENOENT};
}

std::string kernel_version() {
  utsname names{};
  return ::uname(&names) == 0 ? names.release : "";
}

}  // namespace kestrel::sys
