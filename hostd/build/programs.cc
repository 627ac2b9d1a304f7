#include "hostd/build/programs.h"

#include <array>
#include <filesystem>
#include <optional>

#include "hostd/build/elf.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"

namespace kestrel::hostd {

namespace {

constexpr Bytes biggest_program = mebibytes(1024);
constexpr std::array<std::string_view, 6> library_folders = {
    "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"};

/// The first file of that path in the sysroots, then on this host, without symlinks.
std::optional<std::string> find_file(const std::vector<std::string>& sysroots, const std::string& path) {
  std::vector<std::string> roots = sysroots;
  roots.emplace_back();
  for (const std::string& root : roots) {
    std::error_code failed;
    const auto real = std::filesystem::canonical(root + path, failed);
    if (!failed && std::filesystem::is_regular_file(real, failed)) return real.string();
  }
  return std::nullopt;
}

class Collector {
 public:
  Collector(Tree& tree, const std::vector<std::string>& sysroots) : tree_(tree), sysroots_(sysroots) {}

  /// What the file, which is at `place` in the image, needs to be loaded, and what that needs in turn.
  Result<void> add_needs(const std::string& file, const std::string& place) {
    const auto content = sys::read_file(file, biggest_program);
    if (!content) return content.error();
    const auto needs = read_needs(*content);
    if (!needs) return {};
    if (!needs->interpreter.empty() && tree_.find(needs->interpreter) == nullptr) {
      const auto loader = find_file(sysroots_, needs->interpreter);
      if (!loader) return Error{concat("its loader ", needs->interpreter, " is nowhere")};
      if (auto added = tree_.add(needs->interpreter, file_from(*loader, 0755)); !added) return added;
    }
    const auto folders = folders_of(*needs, place);
    for (const std::string& library : needs->libraries) {
      if (auto added = add_library(library, folders); !added) return added;
    }
    return {};
  }

 private:
  static std::vector<std::string> folders_of(const ElfNeeds& needs, const std::string& place) {
    constexpr std::string_view origin = "$ORIGIN";
    std::vector<std::string> folders;
    for (std::string folder : needs.folders) {
      if (const auto at = folder.find(origin); at != std::string::npos)
        folder.replace(at, origin.size(), place.substr(0, place.rfind('/')));
      folders.push_back(std::move(folder));
    }
    folders.insert(folders.end(), library_folders.begin(), library_folders.end());
    return folders;
  }

  Result<void> add_library(const std::string& library, const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) {
      if (tree_.find(concat(folder, '/', library)) != nullptr) return {};
    }
    for (const std::string& folder : folders) {
      const std::string place = concat(folder, '/', library);
      const auto file = find_file(sysroots_, place);
      if (!file) continue;
      if (auto added = tree_.add(place, file_from(*file, 0755)); !added) return added;
      return add_needs(*file, place);
    }
    return Error{concat("the library ", library, " that it needs is nowhere")};
  }

  Tree& tree_;
  const std::vector<std::string>& sysroots_;
};

}  // namespace

Result<void> add_program(Tree& tree, const std::string& program, const std::vector<std::string>& sysroots) {
  const auto colon = program.find(':');
  const std::string path = program.substr(0, colon);
  const std::string place = colon == std::string::npos ? path : program.substr(colon + 1);
  const auto failed = [&path](std::string_view cause) {
    return Error{concat("cannot add the program ", path, ": ", cause)};
  };
  const auto file = find_file(sysroots, path);
  if (!file) return failed("there is no such file");
  if (!place.starts_with('/'))
    return failed(concat("its place ", place, " in the image is not an absolute path"));
  if (auto added = tree.add(place, file_from(*file, 0755)); !added) return added;
  if (const auto added = Collector(tree, sysroots).add_needs(*file, place); !added)
    return failed(added.error().message);
  return {};
}

}  // namespace kestrel::hostd
