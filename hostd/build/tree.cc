#include "hostd/build/tree.h"

#include <algorithm>
#include <vector>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr int most_links = 40;  // as in the kernel (path_resolution(7))

using Kind = TreeEntry::Kind;

/// Onto `rest`, whose last part is the next one to take.
void push_parts(std::vector<std::string>& rest, std::string_view path) {
  const auto parts = split(path, '/');
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    if (!part->empty() && *part != ".") rest.emplace_back(*part);
  }
}

Error cannot_add(std::string_view path, std::string_view cause) {
  return Error{concat("cannot put ", printable(path), " into the image: ", cause)};
}

}  // namespace

TreeEntry file_from(std::string source, std::uint32_t mode) {
  TreeEntry entry;
  entry.mode = mode;
  entry.source = std::move(source);
  return entry;
}

TreeEntry file_of(std::string content, std::uint32_t mode) {
  TreeEntry entry;
  entry.mode = mode;
  entry.content = std::move(content);
  return entry;
}

TreeEntry folder_of(std::uint32_t mode) {
  TreeEntry entry;
  entry.kind = Kind::folder;
  entry.mode = mode;
  return entry;
}

TreeEntry symlink_to(std::string target) {
  TreeEntry entry;
  entry.kind = Kind::symlink;
  entry.mode = 0777;
  entry.link = std::move(target);
  return entry;
}

Result<std::string> Tree::resolve(std::string_view path, LastLink last) const {
  std::vector<std::string> rest;
  push_parts(rest, path);
  std::vector<std::string> resolved;
  int links = 0;
  while (!rest.empty()) {
    const std::string part = std::move(rest.back());
    rest.pop_back();
    if (part == "..") {
      if (!resolved.empty()) resolved.pop_back();
      continue;
    }
    resolved.push_back(part);
    const auto entry = entries_.find(join(resolved, "/"));
    if (entry == entries_.end() || entry->second.kind != Kind::symlink) continue;
    if (rest.empty() && last == LastLink::keep) continue;
    if (++links > most_links) return cannot_add(path, "its symlinks go round in circles");
    resolved.pop_back();
    if (entry->second.link.starts_with('/')) resolved.clear();
    push_parts(rest, entry->second.link);
  }
  return join(resolved, "/");
}

Result<void> Tree::make_parents(const std::string& path) {
  for (auto slash = path.find('/'); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string parent = path.substr(0, slash);
    const auto [entry, is_new] = entries_.try_emplace(parent, folder_of(0755));
    if (!is_new && entry->second.kind != Kind::folder)
      return cannot_add(path, concat(parent, " is no folder"));
  }
  return {};
}

Result<void> Tree::add(std::string_view path, TreeEntry entry) {
  const auto parts = split(path, '/');
  if (std::find(parts.begin(), parts.end(), "..") != parts.end())
    return cannot_add(path, "it has a `..` in it");
  auto resolved = resolve(path, entry.kind == Kind::folder ? LastLink::follow : LastLink::keep);
  if (!resolved) return resolved.error();
  // The top is there already, and is nothing but a folder.
  if (resolved->empty()) return {};
  if (auto made = make_parents(*resolved); !made) return made;
  const auto present = entries_.find(*resolved);
  const bool joins =
      entry.kind == Kind::folder && present != entries_.end() && present->second.kind == Kind::folder;
  if (!joins) remove(*resolved);
  entries_[*resolved] = std::move(entry);
  return {};
}

Result<void> Tree::add_folder(std::string_view path, std::uint32_t mode) {
  const TreeEntry* present = find(path);
  if (present != nullptr && present->kind == Kind::folder) return {};
  return add(path, folder_of(mode));
}

void Tree::clear(std::string_view path) {
  const auto resolved = resolve(path, LastLink::follow);
  if (!resolved) return;
  const std::string below = *resolved + "/";
  auto first = entries_.lower_bound(below);
  auto end = first;
  while (end != entries_.end() && end->first.starts_with(below)) ++end;
  entries_.erase(first, end);
}

void Tree::remove(std::string_view path) {
  const auto resolved = resolve(path, LastLink::keep);
  if (!resolved) return;
  const auto entry = entries_.find(*resolved);
  if (entry == entries_.end()) return;
  if (entry->second.kind == Kind::folder) clear(*resolved);
  entries_.erase(*resolved);
}

const TreeEntry* Tree::find(std::string_view path) const {
  const auto resolved = resolve(path, LastLink::follow);
  if (!resolved) return nullptr;
  const auto entry = entries_.find(*resolved);
  return entry == entries_.end() ? nullptr : &entry->second;
}

}  // namespace kestrel::hostd
