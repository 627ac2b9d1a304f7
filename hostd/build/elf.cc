#include "hostd/build/elf.h"

#include <elf.h>

#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// A structure at an offset; nullopt where the file ends before.
template <typename T>
std::optional<T> at(std::string_view file, std::uint64_t offset) {
  if (offset > file.size() || file.size() - offset < sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, file.data() + offset, sizeof value);
  return value;
}

std::string_view part(std::string_view file, std::uint64_t offset, std::uint64_t size) {
  return offset > file.size() ? std::string_view() : file.substr(offset, size);
}

/// The text that begins there and ends with a NUL.
std::string text_at(std::string_view file, std::uint64_t offset) {
  const std::string_view rest = part(file, offset, std::string_view::npos);
  return std::string(rest.substr(0, rest.find('\0')));
}

std::optional<Elf64_Ehdr> header_of(std::string_view file) {
  const auto header = at<Elf64_Ehdr>(file, 0);
  if (!header || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
      header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
    return std::nullopt;
  return header;
}

std::vector<Elf64_Phdr> segments_of(std::string_view file, const Elf64_Ehdr& header) {
  std::vector<Elf64_Phdr> segments;
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    const auto segment = at<Elf64_Phdr>(file, header.e_phoff + std::uint64_t{i} * sizeof(Elf64_Phdr));
    if (segment) segments.push_back(*segment);
  }
  return segments;
}

/// Where the bytes of an address are in the file.
std::uint64_t offset_of(const std::vector<Elf64_Phdr>& segments, std::uint64_t address) {
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_LOAD && address >= segment.p_vaddr &&
        address - segment.p_vaddr < segment.p_filesz)
      return segment.p_offset + (address - segment.p_vaddr);
  }
  return UINT64_MAX;
}

std::vector<Elf64_Dyn> dynamic_entries(std::string_view file, const Elf64_Phdr& segment) {
  std::vector<Elf64_Dyn> entries;
  for (std::uint64_t done = 0; done + sizeof(Elf64_Dyn) <= segment.p_filesz; done += sizeof(Elf64_Dyn)) {
    const auto entry = at<Elf64_Dyn>(file, segment.p_offset + done);
    if (!entry || entry->d_tag == DT_NULL) break;
    entries.push_back(*entry);
  }
  return entries;
}

void add_dynamic(std::string_view file, const std::vector<Elf64_Phdr>& segments, const Elf64_Phdr& dynamic,
                 ElfNeeds& needs) {
  const auto entries = dynamic_entries(file, dynamic);
  std::uint64_t strings = UINT64_MAX;
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_STRTAB) strings = offset_of(segments, entry.d_un.d_ptr);
  }
  if (strings == UINT64_MAX) return;
  for (const Elf64_Dyn& entry : entries) {
    if (entry.d_tag == DT_NEEDED) needs.libraries.push_back(text_at(file, strings + entry.d_un.d_val));
    if (entry.d_tag != DT_RUNPATH && entry.d_tag != DT_RPATH) continue;
    const std::string folders = text_at(file, strings + entry.d_un.d_val);
    for (const std::string_view folder : split(folders, ':')) needs.folders.emplace_back(folder);
  }
}

}  // namespace

std::optional<ElfNeeds> read_needs(std::string_view file) {
  const auto header = header_of(file);
  if (!header) return std::nullopt;
  ElfNeeds needs;
  const auto segments = segments_of(file, *header);
  for (const Elf64_Phdr& segment : segments) {
    if (segment.p_type == PT_INTERP) needs.interpreter = text_at(file, segment.p_offset);
    if (segment.p_type == PT_DYNAMIC) add_dynamic(file, segments, segment, needs);
  }
  return needs;
}

std::optional<std::vector<std::string>> read_module_depends(std::string_view file) {
  const auto header = header_of(file);
  if (!header) return std::nullopt;
  const auto section_at = [&](std::uint64_t index) {
    return at<Elf64_Shdr>(file, header->e_shoff + index * sizeof(Elf64_Shdr));
  };
  const auto names = section_at(header->e_shstrndx);
  if (!names) return std::nullopt;
  for (unsigned i = 0; i < header->e_shnum; ++i) {
    const auto section = section_at(i);
    if (!section || text_at(file, names->sh_offset + section->sh_name) != ".modinfo") continue;
    for (const std::string_view line : split(part(file, section->sh_offset, section->sh_size), '\0')) {
      constexpr std::string_view key = "depends=";
      if (!line.starts_with(key)) continue;
      std::vector<std::string> modules;
      for (const std::string_view name : split(line.substr(key.size()), ',')) {
        if (!name.empty()) modules.emplace_back(name);
      }
      return modules;
    }
  }
  return std::nullopt;
}

}  // namespace kestrel::hostd
