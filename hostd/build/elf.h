// What an ELF file of this machine's kind (64 bits, little-endian) says of what it needs: elf(5). Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kestrel::hostd {

struct ElfNeeds {
  std::string interpreter;             ///< the loader; empty for a static program and for a library
  std::vector<std::string> libraries;  ///< names, in their order
  std::vector<std::string>
      folders;  ///< where to look for them first (DT_RUNPATH, else DT_RPATH); `$ORIGIN` as it is
};

/// nullopt: it is no such file, or is cut off.
[[nodiscard]] std::optional<ElfNeeds> read_needs(std::string_view file);

/// The modules that a kernel module has to have loaded before it: `depends` in its section .modinfo.
[[nodiscard]] std::optional<std::vector<std::string>> read_module_depends(std::string_view file);

}  // namespace kestrel::hostd
