#include "kestrel/wire/reload_report.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::wire {

namespace {

using Json = nlohmann::json;

/// Discarded, which is neither object nor anything else, where it is no JSON of a depth that is ours.
Json parse(std::string_view text) {
  return is_shallow_json(text) ? Json::parse(text, nullptr, false) : Json(Json::value_t::discarded);
}

/// The strings in a member that is a list; nothing where it is something else.
std::vector<std::string> strings_in(const Json& object, const std::string& key) {
  std::vector<std::string> strings;
  if (!object.is_object() || !object.contains(key) || !object[key].is_array()) return strings;
  for (const Json& each : object[key]) {
    if (each.is_string()) strings.push_back(each.get<std::string>());
  }
  return strings;
}

/// `a`, `a and b`, `a, b and c`.
std::string listed(const std::vector<std::string>& words) {
  if (words.size() < 2) return join(words, "");
  const std::vector<std::string> all_but_last(words.begin(), words.end() - 1);
  return concat(join(all_but_last, ", "), " and ", words.back());
}

std::string reason_for(const Json& plan, const std::string& service) {
  const auto keys = strings_in(plan.value("changed_keys", Json()), service);
  return keys.empty() ? "it changed" : concat("its ", listed(keys), " changed");
}

int number_in(const Json& object, const char* key) {
  const Json value = object.value(key, Json());
  return value.is_number_integer() ? value.get<int>() : 0;
}

}  // namespace

Result<std::string> report_reload(std::string_view json, Table::Colours colours) {
  const Json answer = parse(json);
  if (!answer.is_object() || !answer.value("plan", Json()).is_object())
    return Error{"cannot read the plan: the answer has none"};
  const Json& plan = answer["plan"];
  Table table;
  for (const auto& each : strings_in(plan, "removed"))
    table.add({{"remove", Colour::red}, each, "it is no longer configured"});
  for (const auto& each : strings_in(plan, "restarted"))
    table.add({{"restart", Colour::yellow}, each, reason_for(plan, each)});
  for (const auto& each : strings_in(plan, "updated")) table.add({"update", each, reason_for(plan, each)});
  for (const auto& each : strings_in(plan, "added")) table.add({{"add", Colour::green}, each, "it is new"});
  if (const auto keys = strings_in(plan, "guest"); !keys.empty())
    table.add({"update", "the guest", concat("its ", listed(keys), " changed")});
  if (const auto keys = strings_in(plan, "needs_boot"); !keys.empty())
    table.add({{"next boot", Colour::yellow}, "the guest", concat("its ", listed(keys), " changed")});
  const std::string text = table.text(colours);
  return text.empty() ? "nothing changes\n" : text;
}

std::vector<ConfigProblem> read_config_problems(std::string_view json) {
  const Json answer = parse(json);
  std::vector<ConfigProblem> problems;
  if (!answer.is_object()) return problems;
  for (const Json& each : answer.value("problems", Json::array())) {
    if (!each.is_object()) continue;
    const Json message = each.value("message", Json());
    if (message.is_string())
      problems.push_back({number_in(each, "line"), number_in(each, "column"), message.get<std::string>()});
  }
  return problems;
}

}  // namespace kestrel::wire
