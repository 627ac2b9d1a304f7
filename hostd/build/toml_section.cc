#include "hostd/build/toml_section.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

const TomlTable no_members;
const TomlValue nothing{TomlTable{}, {}};

const TomlTable& members_of(const TomlValue& value) {
  const auto* table = std::get_if<TomlTable>(&value.data);
  return table == nullptr ? no_members : *table;
}

}  // namespace

void TomlProblems::add(Position position, std::string message) {
  problems_.emplace(position, std::move(message));
}

std::string TomlProblems::text(std::string_view name) const {
  std::string lines;
  for (const auto& [position, message] : problems_) {
    if (!lines.empty()) lines += '\n';
    lines += concat(name, ':', position.line, ':', position.column, ": ", message);
  }
  return lines;
}

TomlSection::TomlSection(const TomlValue& table, std::string path, TomlProblems& problems)
    : members_(members_of(table)), position_(table.position), path_(std::move(path)), problems_(problems) {}

const TomlValue* TomlSection::find(std::string_view key) const {
  const auto member = std::find_if(members_.begin(), members_.end(),
                                   [key](const TomlMember& candidate) { return candidate.key == key; });
  return member == members_.end() ? nullptr : &member->value;
}

std::string TomlSection::name_of(std::string_view key) const {
  return path_.empty() ? std::string(key) : concat(path_, '.', key);
}

const TomlValue* TomlSection::value(std::string_view key) {
  known_.emplace(key);
  return find(key);
}

bool TomlSection::has(std::string_view key) const { return find(key) != nullptr; }

Position TomlSection::position_of(std::string_view key) const {
  const TomlValue* found = find(key);
  return found == nullptr ? position_ : found->position;
}

void TomlSection::reject(std::string_view key, std::string_view cause) {
  problems_.add(position_of(key), concat("`", name_of(key), "` ", cause));
}

void TomlSection::text(std::string_view key, std::string& out) {
  const TomlValue* found = value(key);
  if (found == nullptr) return;
  const auto* text = std::get_if<std::string>(&found->data);
  if (text == nullptr) return reject(key, "is not text");
  out = *text;
}

void TomlSection::flag(std::string_view key, bool& out) {
  const TomlValue* found = value(key);
  if (found == nullptr) return;
  const auto* flag = std::get_if<bool>(&found->data);
  if (flag == nullptr) return reject(key, "is neither true nor false");
  out = *flag;
}

void TomlSection::number(std::string_view key, std::uint32_t least, std::uint32_t most,
                         std::optional<std::uint32_t>& out) {
  const TomlValue* found = value(key);
  if (found == nullptr) return;
  const auto* number = std::get_if<std::int64_t>(&found->data);
  if (number == nullptr || *number < least || *number > most)
    return reject(key, concat("is not a number from ", least, " to ", most));
  out = static_cast<std::uint32_t>(*number);
}

void TomlSection::texts(std::string_view key, std::vector<std::string>& out) {
  const TomlValue* found = value(key);
  if (found == nullptr) return;
  const auto* array = std::get_if<TomlArray>(&found->data);
  if (array == nullptr) return reject(key, "is not a list of texts");
  std::vector<std::string> texts;
  for (const TomlValue& element : *array) {
    const auto* text = std::get_if<std::string>(&element.data);
    if (text == nullptr) return reject(key, "is not a list of texts");
    texts.push_back(*text);
  }
  out = std::move(texts);
}

void TomlSection::text_map(std::string_view key, std::map<std::string, std::string>& out) {
  const TomlValue* found = value(key);
  if (found == nullptr) return;
  if (!std::holds_alternative<TomlTable>(found->data)) return reject(key, "is not a table of texts");
  for (const TomlMember& member : members_of(*found)) {
    const auto* text = std::get_if<std::string>(&member.value.data);
    if (text == nullptr) {
      problems_.add(member.value.position, concat("`", name_of(key), '.', member.key, "` is not text"));
    } else {
      out[member.key] = *text;
    }
  }
}

int TomlSection::choice(std::string_view key, const std::vector<std::string_view>& words) {
  std::string word;
  text(key, word);
  if (word.empty()) return -1;
  const auto found = std::find(words.begin(), words.end(), word);
  if (found != words.end()) return static_cast<int>(found - words.begin());
  const std::vector<std::string> texts(words.begin(), words.end());
  reject(key, concat("is `", word, "`, which is none of ", join(texts, ", ")));
  return -1;
}

TomlSection TomlSection::section(std::string_view key) {
  const TomlValue* found = value(key);
  if (found != nullptr && !std::holds_alternative<TomlTable>(found->data)) {
    reject(key, "is not a table");
    found = nullptr;
  }
  return TomlSection(found == nullptr ? nothing : *found, name_of(key), problems_);
}

void TomlSection::finish() {
  const std::vector<std::string_view> candidates(known_.begin(), known_.end());
  for (const TomlMember& member : members_) {
    if (known_.contains(member.key)) continue;
    const auto meant = nearest(member.key, candidates);
    problems_.add(member.value.position, concat("unknown key `", name_of(member.key), "`",
                                                meant ? concat(", did you mean `", *meant, "`?") : ""));
  }
}

}  // namespace kestrel::hostd
