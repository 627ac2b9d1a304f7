#include "hostd/build/module_files.h"

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>

#include "hostd/build/elf.h"
#include "hostd/images/archive_content.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/file.h"
#include "kestrel/sys/module_index.h"

namespace kestrel::hostd {

namespace {

constexpr Bytes biggest_module = mebibytes(64);

struct ModuleSet {
  std::string_view name;
  std::string_view modules;
};
constexpr std::array<ModuleSet, 7> sets = {{
    // The way to the host, on the microvm machine (virtio over mmio)
    {"vsock", "virtio_mmio vmw_vsock_virtio_transport"},
    // virtio devices behind a PCI bus (the q35 machine)
    {"pci", "virtio_pci"},
    {"net", "virtio_net"},
    {"blk", "virtio_blk ext4"},
    {"rng", "virtio_rng"},
    {"balloon", "virtio_balloon"},
    // The guest's own loop of vsock, for tests without a host
    {"loopback", "vsock_loopback"},
}};

/// Empty where the folder does not say.
std::set<std::string> read_built_in(const std::string& folder) {
  std::set<std::string> names;
  const auto text = sys::read_file(folder + "/modules.builtin");
  if (!text) return names;
  for (const std::string_view line : split(*text, '\n')) names.insert(sys::module_name(line));
  return names;
}

class ModuleOrder {
 public:
  explicit ModuleOrder(std::string folder) : folder_(std::move(folder)) {}

  Result<void> index() {
    std::error_code failed;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_, failed)) {
      const std::string name = entry.path().filename().string();
      if (name.find(".ko") != std::string::npos) files_[sys::module_name(name)] = entry.path().string();
    }
    if (failed) return Error{concat("cannot read the modules in ", folder_, ": ", failed.message())};
    done_ = read_built_in(folder_);
    return {};
  }

  /// Brings the module, after all that it depends on, into the tree and to the end of the order.
  Result<void> add(Tree& tree, const std::string& word) {
    const std::string name = sys::module_name(word);
    if (!done_.insert(name).second) return {};
    const auto file = files_.find(name);
    if (file == files_.end())
      return Error{concat("cannot add the module ", word, ": it is neither in ", folder_,
                          " nor built into its kernel")};
    auto content = read_decompressed(file->second, biggest_module);
    if (!content) return content.error();
    const auto needed = read_module_depends(*content);
    if (!needed) return Error{concat("cannot add the module ", word, ": ", file->second, " is damaged")};
    for (const std::string& other : *needed) {
      if (auto added = add(tree, other); !added) return added;
    }
    const std::string inside = place_of(file->second);
    order_ += concat('/', inside, '\n');
    return tree.add(inside, file_of(std::move(*content), 0644));
  }

  [[nodiscard]] const std::string& order() const { return order_; }

 private:
  [[nodiscard]] std::string place_of(const std::string& file) const {
    const std::string version = std::filesystem::path(folder_).filename().string();
    const std::string below = file.substr(folder_.size() + 1);
    return concat("lib/modules/", version, '/', std::string_view(below).substr(0, below.find(".ko")), ".ko");
  }

  std::string folder_;
  std::map<std::string, std::string> files_;
  std::set<std::string> done_;
  std::string order_;
};

}  // namespace

std::vector<std::string> modules_of_need(const std::string& need) {
  for (const ModuleSet& set : sets) {
    if (set.name != need) continue;
    std::vector<std::string> modules;
    for (const std::string_view name : split(set.modules, ' ')) modules.emplace_back(name);
    return modules;
  }
  return {need};
}

bool has_built_in(const std::string& folder, const std::vector<std::string>& names) {
  const auto built_in = read_built_in(folder);
  return std::all_of(names.begin(), names.end(),
                     [&](const std::string& name) { return built_in.contains(sys::module_name(name)); });
}

Result<void> add_modules(Tree& tree, const std::string& folder, const std::vector<std::string>& needs) {
  std::error_code failed;
  const auto real = std::filesystem::canonical(folder, failed);
  if (failed) return Error{concat("cannot read the modules in ", folder, ": ", failed.message())};
  ModuleOrder modules(real.string());
  if (auto indexed = modules.index(); !indexed) return indexed;
  for (const std::string& need : needs) {
    for (const std::string& name : modules_of_need(need)) {
      if (auto added = modules.add(tree, name); !added) return added;
    }
  }
  if (modules.order().empty()) return {};
  return tree.add("lib/modules/kestrel.order", file_of(modules.order(), 0644));
}

}  // namespace kestrel::hostd
