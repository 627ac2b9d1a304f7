#include "kestrel/sys/modules.h"

#include <fcntl.h>
#include <linux/module.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "kestrel/base/text.h"
#include "kestrel/sys/fd.h"
#include "kestrel/sys/file.h"

namespace kestrel::sys {

namespace {

/// linux/module.h has it since 5.17.
constexpr int decompress = 4;

bool is_compressed(std::string_view path) {
  return path.ends_with(".xz") || path.ends_with(".zst") || path.ends_with(".gz");
}

std::string path_below(const std::string& root, std::string_view path) {
  return concat(root, root.ends_with('/') ? "" : "/", path);
}

}  // namespace

std::vector<Module> parse_module_list(std::string_view text) {
  std::vector<Module> modules;
  for (std::string_view line : split(text, '\n')) {
    line = trim(line);
    if (line.empty() || line.starts_with('#')) continue;
    const auto space = line.find_first_of(" \t");
    std::string_view path = line.substr(0, space);
    while (path.starts_with('/')) path.remove_prefix(1);
    const auto parameters = space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
    modules.push_back({std::string(path), std::string(parameters)});
  }
  return modules;
}

Result<void> load_module(const std::string& root, const Module& module) {
  const std::string path = path_below(root, module.path);
  UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) return errno_error(concat("cannot open module ", path), errno);
  const int flags = is_compressed(path) ? decompress : 0;
  if (::syscall(SYS_finit_module, file.get(), module.parameters.c_str(), flags) == 0 || errno == EEXIST)
    return {};
  return errno_error(concat("cannot load module ", path), errno);
}

std::vector<Error> load_modules(const std::string& root, std::string_view list) {
  auto text = read_file(path_below(root, list));
  if (!text && text.error().code == ENOENT) return {};
  if (!text) return {text.error()};
  std::vector<Error> failures;
  for (const Module& module : parse_module_list(*text)) {
    if (auto loaded = load_module(root, module); !loaded) failures.push_back(loaded.error());
  }
  return failures;
}

}  // namespace kestrel::sys
