// From the text of a cron expression to sets of values.
#include <algorithm>
#include <array>
#include <span>

#include "kestrel/base/cron.h"
#include "kestrel/base/text.h"

namespace kestrel {

namespace {

constexpr std::string_view month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                            "jul", "aug", "sep", "oct", "nov", "dec"};
constexpr std::string_view weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

struct Field {
  std::string_view name;
  int least;
  int most;
  std::span<const std::string_view> value_names;  ///< of `least` and those that follow
};
constexpr Field fields[] = {
    {"minute", 0, 59, {}},
    {"hour", 0, 23, {}},
    {"day of month", 1, 31, {}},
    {"month", 1, 12, month_names},
    {"day of week", 0, 7, weekday_names},
};
constexpr std::size_t field_count = std::size(fields);

struct Shorthand {
  std::string_view name;
  std::string_view expression;
};
constexpr Shorthand shorthands[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

/// `the hour '25' is not within 0-23`.
Error wrong(const Field& field, std::string_view text, std::string_view cause) {
  return Error{concat("the ", field.name, " '", printable(text), "' ", cause)};
}

std::vector<std::string_view> split_words(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  std::vector<std::string_view> words;
  for (auto begin = text.find_first_not_of(blanks); begin != std::string_view::npos;) {
    const auto end = std::min(text.find_first_of(blanks, begin), text.size());
    words.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of(blanks, end);
  }
  return words;
}

Result<int> read_value(const Field& field, std::string_view text) {
  const auto named = std::find(field.value_names.begin(), field.value_names.end(), lower(text));
  if (named != field.value_names.end()) {
    return field.least + static_cast<int>(named - field.value_names.begin());
  }
  const bool is_number = !text.empty() && text.size() <= 4 &&
                         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!is_number) {
    std::string expected = concat("is no number from ", field.least, " to ", field.most);
    if (!field.value_names.empty()) {
      expected += concat(", nor a name from ", field.value_names.front(), " to ", field.value_names.back());
    }
    return wrong(field, text, expected);
  }
  const auto value = static_cast<int>(*parse_integer(text));
  if (value >= field.least && value <= field.most) return value;
  return wrong(field, text, concat("is not within ", field.least, '-', field.most));
}

struct Range {
  int first;
  int last;
};

/// `*`, `5`, or `1-5`.
Result<Range> read_range(const Field& field, std::string_view text) {
  if (text == "*") return Range{field.least, field.most};
  const std::size_t dash = text.find('-');
  const Result<int> first = read_value(field, text.substr(0, dash));
  if (!first) return first.error();
  if (dash == std::string_view::npos) return Range{*first, *first};
  Result<int> last = read_value(field, text.substr(dash + 1));
  if (!last) return last.error();
  // A week may end with Sunday, whose name stands for 0.
  if (*last == 0 && field.most == 7) last = 7;
  if (*first <= *last) return Range{*first, *last};
  return wrong(field, text, "ends before it begins");
}

/// One item of a list: a range, perhaps with a step.
Result<std::uint64_t> read_item(const Field& field, std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view range_text = text.substr(0, slash);
  const Result<Range> range = read_range(field, range_text);
  if (!range) return range.error();
  int step = 1;
  if (slash != std::string_view::npos) {
    const auto number = parse_integer(text.substr(slash + 1));
    if (range_text != "*" && range_text.find('-') == std::string_view::npos) {
      return wrong(field, text,
                   concat("has a step but no range: write ", range->first, '-', field.most, '/',
                          printable(text.substr(slash + 1))));
    }
    if (!number || *number < 1 || *number > field.most) {
      return wrong(field, text, concat("needs a step from 1 to ", field.most));
    }
    step = static_cast<int>(*number);
  }
  std::uint64_t set = 0;
  for (int value = range->first; value <= range->last; value += step) set |= std::uint64_t{1} << value;
  return set;
}

Result<std::uint64_t> read_field(const Field& field, std::string_view text) {
  std::uint64_t set = 0;
  for (const std::string_view item : split(text, ',')) {
    const Result<std::uint64_t> values = read_item(field, item);
    if (!values) return values.error();
    set |= *values;
  }
  return set;
}

Result<std::string_view> expand(std::string_view expression) {
  const std::string name = lower(trim(expression));
  if (!name.starts_with('@')) return expression;
  if (name == "@reboot") return Error{"@reboot is no time: what has no schedule starts at boot"};
  std::vector<std::string_view> names;
  for (const Shorthand& each : shorthands) {
    if (each.name == name) return each.expression;
    names.push_back(each.name);
  }
  const auto meant = nearest(name, names);
  return Error{concat(printable(name), " is no known schedule",
                      meant ? concat("; did you mean ", *meant, '?') : std::string())};
}

}  // namespace

Result<CronSchedule> CronSchedule::parse(std::string_view text) {
  const Result<std::string_view> expression = expand(text);
  if (!expression) return expression.error();
  const auto words = split_words(*expression);
  if (words.size() != field_count) {
    return Error{concat("it needs five fields, minute, hour, day of month, month and day of week, and has ",
                        words.size())};
  }
  std::array<std::uint64_t, field_count> sets{};
  for (std::size_t i = 0; i < field_count; ++i) {
    const Result<std::uint64_t> set = read_field(fields[i], words[i]);
    if (!set) return set.error();
    sets[i] = *set;
  }
  CronSchedule schedule;
  schedule.minutes_ = sets[0];
  schedule.hours_ = sets[1];
  schedule.days_ = sets[2];
  schedule.months_ = sets[3];
  schedule.weekdays_ = (sets[4] | sets[4] >> 7) & 0x7F;
  schedule.is_either_day_enough_ = !words[2].starts_with('*') && !words[4].starts_with('*');
  return schedule;
}

}  // namespace kestrel
