#include "kestrel/config/yaml_reader.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <istream>
#include <numeric>
#include <streambuf>
#include <unordered_set>

#include "kestrel/base/text.h"
#include "kestrel/config/screening.h"
#include "kestrel/config/yaml_wording.h"

namespace kestrel::config {
namespace {

Position position_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

/// Thrown out of the library's callbacks to end the reading.
struct Refused {
  Position at;
  std::string message;
};

/// An istream over memory that is not copied.
class TextBuffer : public std::streambuf {
 public:
  explicit TextBuffer(std::string_view text) {
    char* start = const_cast<char*>(text.data());  // the get area of a streambuf is char*, and only read
    setg(start, start, start + text.size());
  }
};

/// Builds the tree from the library's events.
class TreeBuilder final : public YAML::EventHandler {
 public:
  TreeBuilder(std::string_view text, RawTree& tree, Problems& problems)
      : text_(text), tree_(tree), problems_(problems) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (tree_.root) throw Refused{position_of(mark), "a second document starts here; only one is read"};
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    leaf(Raw{position_of_nothing(mark), RawNothing{}}, anchor);
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    check_tag(mark, tag);
    check_quote(mark);
    leaf(Raw{position_of(mark), RawScalar{text, tag == "?"}}, anchor);
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override;
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(Raw{position_of(mark), RawList{}}, anchor);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check_tag(mark, tag);
    open(Raw{position_of(mark), RawMap{}}, anchor);
  }
  void OnMapEnd() override {
    settle_keys(std::get<RawMap>(open_.back().value->value));
    close();
  }

 private:
  /// A list or map whose end has not come yet. A map takes keys and values in turn.
  struct Open {
    Raw* value;
    bool is_map;
    YAML::anchor_t anchor;
    std::size_t values_before;
    bool has_key = false;
    bool is_key_usable = true;
    std::string key;
    Position key_at;
  };
  struct Anchored {
    const Raw* value = nullptr;  ///< null while its end has not come
    std::size_t values = 0;
  };

  Raw* add(Raw raw) {
    count(1, raw.at);
    return &tree_.values.emplace_back(std::move(raw));
  }
  void count(std::size_t more, Position at) {
    values_ += more;
    if (values_ > max_values)
      throw Refused{at, concat("more than ", max_values, " values, aliases expanded")};
  }
  void report(Position at, std::string message) {
    problems_.push_back({at.line, at.column, std::move(message)});
  }
  void check_tag(const YAML::Mark& mark, std::string_view tag);
  void check_quote(const YAML::Mark& mark) const;
  [[nodiscard]] Position position_of_nothing(const YAML::Mark& mark) const;
  void leaf(Raw raw, YAML::anchor_t anchor);
  void open(Raw raw, YAML::anchor_t anchor);
  void close();
  void place(const Raw* value);
  void place_key(const Raw& key);
  void remember(YAML::anchor_t anchor, Anchored anchored);
  void settle_keys(RawMap& map);
  void report_duplicates(RawMap& map);
  void merge(RawMap& map, std::unordered_set<std::string>& present, const Raw& source);

  std::string_view text_;
  RawTree& tree_;
  Problems& problems_;
  std::vector<Open> open_;
  std::vector<Anchored> anchors_;  ///< by the library's number, which counts from 1
  std::size_t values_ = 0;
};

void TreeBuilder::check_tag(const YAML::Mark& mark, std::string_view tag) {
  // `?` is a plain value, `!` a quoted one; anything else was written.
  if (tag.empty() || tag == "?" || tag == "!" || tag == "tag:yaml.org,2002:str") return;
  report(position_of(mark), concat("tags such as ", quoted(tag), " mean nothing here"));
}

void TreeBuilder::check_quote(const YAML::Mark& mark) const {
  const auto start = static_cast<std::size_t>(mark.pos);
  if (start >= text_.size() || (text_[start] != '"' && text_[start] != '\'')) return;
  if (!is_quote_closed(text_, start)) throw Refused{position_of(mark), "a quote is not closed"};
}

/// The library places an absent value at whatever comes next; a person looks at its key or its list.
Position TreeBuilder::position_of_nothing(const YAML::Mark& mark) const {
  if (open_.empty()) return position_of(mark);
  const Open& around = open_.back();
  return around.is_map && around.has_key ? around.key_at : around.value->at;
}

void TreeBuilder::leaf(Raw raw, YAML::anchor_t anchor) {
  const Raw* added = add(std::move(raw));
  remember(anchor, {added, 1});
  place(added);
}

void TreeBuilder::open(Raw raw, YAML::anchor_t anchor) {
  const std::size_t before = values_;
  const bool is_map = std::holds_alternative<RawMap>(raw.value);
  if (open_.size() >= static_cast<std::size_t>(max_nesting)) {
    throw Refused{raw.at, concat("nested deeper than ", max_nesting, " levels")};
  }
  remember(anchor, {});
  open_.push_back({.value = add(std::move(raw)),
                   .is_map = is_map,
                   .anchor = anchor,
                   .values_before = before,
                   .key = {},
                   .key_at = {}});
}

void TreeBuilder::close() {
  const Open ended = std::move(open_.back());
  open_.pop_back();
  remember(ended.anchor, {ended.value, values_ - ended.values_before});
  place(ended.value);
}

void TreeBuilder::OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) {
  const Anchored& target = anchors_[anchor];
  if (!target.value) throw Refused{position_of(mark), "an alias cannot stand for a value it is part of"};
  count(target.values, position_of(mark));
  place(target.value);
}

void TreeBuilder::remember(YAML::anchor_t anchor, Anchored anchored) {
  if (anchor == YAML::NullAnchor) return;
  if (anchor >= anchors_.size()) anchors_.resize(anchor + 1);
  anchors_[anchor] = anchored;
}

/// `value` is complete: give it to the list or map around it.
void TreeBuilder::place(const Raw* value) {
  if (open_.empty()) {
    tree_.root = value;
    return;
  }
  Open& around = open_.back();
  if (!around.is_map) {
    std::get<RawList>(around.value->value).push_back(value);
  } else if (!around.has_key) {
    place_key(*value);
  } else {
    around.has_key = false;
    if (around.is_key_usable) {
      std::get<RawMap>(around.value->value).push_back({std::move(around.key), around.key_at, value});
    }
  }
}

void TreeBuilder::place_key(const Raw& key) {
  Open& around = open_.back();
  const auto* scalar = std::get_if<RawScalar>(&key.value);
  around.has_key = true;
  around.is_key_usable = scalar != nullptr;
  around.key_at = key.at;
  if (scalar) {
    around.key = scalar->text;
  } else {
    report(key.at, concat("a key must be text, found ", describe_found(key)));
  }
}

/// A map has ended: every key once, and what `<<` refers to in its place.
void TreeBuilder::settle_keys(RawMap& map) {
  report_duplicates(map);
  const auto is_merge = [](const RawEntry& entry) { return entry.key == "<<"; };
  const auto found = std::find_if(map.begin(), map.end(), is_merge);
  if (found == map.end()) return;
  const RawEntry entry = std::move(*found);
  map.erase(found);
  std::unordered_set<std::string> present;
  for (const RawEntry& own : map) present.insert(own.key);
  if (const auto* sources = std::get_if<RawList>(&entry.value->value)) {
    for (const Raw* source : *sources) merge(map, present, *source);
  } else {
    merge(map, present, *entry.value);
  }
}

void TreeBuilder::report_duplicates(RawMap& map) {
  std::vector<std::size_t> order(map.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return map[a].key < map[b].key; });
  std::vector<bool> is_repeated(map.size(), false);
  for (std::size_t i = 1, first = 0; i < order.size(); ++i) {
    const RawEntry& entry = map[order[i]];
    const RawEntry& original = map[order[first]];
    if (entry.key != original.key) {
      first = i;
      continue;
    }
    is_repeated[order[i]] = true;
    report(entry.at, concat("duplicate key ", quoted(entry.key), " (first at ", describe(original.at), ')'));
  }
  std::size_t index = 0;
  std::erase_if(map, [&](const RawEntry&) { return is_repeated[index++]; });
}

/// Adds the entries of `source` whose keys are not `present` in `map` (https://yaml.org/type/merge.html).
void TreeBuilder::merge(RawMap& map, std::unordered_set<std::string>& present, const Raw& source) {
  const auto* entries = std::get_if<RawMap>(&source.value);
  if (!entries) {
    report(source.at, concat("'<<' expects a map or a list of maps, found ", describe_found(source)));
    return;
  }
  for (const RawEntry& entry : *entries) {
    if (present.insert(entry.key).second) map.push_back(entry);
  }
}

}  // namespace

std::optional<RawTree> read_yaml(std::string_view text, Problems& problems) {
  if (auto problem = screen(text)) {
    problems.push_back(*std::move(problem));
    return std::nullopt;
  }
  // The library does not count a byte order mark in its positions.
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  RawTree tree;
  try {
    TextBuffer buffer(text);
    std::istream stream(&buffer);
    YAML::Parser parser(stream);
    TreeBuilder builder(text, tree, problems);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    problems.push_back({refused.at.line, refused.at.column, refused.message});
    return std::nullopt;
  } catch (const YAML::Exception& error) {
    const Position at = error.mark.is_null() ? Position{} : position_of(error.mark);
    problems.push_back({at.line, at.column, syntax_message(error.msg, text, at.line)});
    return std::nullopt;
  }
  if (!tree.root) tree.root = &tree.values.emplace_back(Raw{{1, 1}, RawNothing{}});
  return tree;
}

}  // namespace kestrel::config
