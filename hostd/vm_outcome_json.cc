#include <nlohmann/json.hpp>

#include "hostd/vm_outcome.h"

namespace kestrel::hostd {

using nlohmann::json;

std::string to_json(const Outcome& outcome) {
  const json document = {
      {"status", outcome.status}, {"message", outcome.message}, {"details", outcome.details}};
  return document.dump(-1, ' ', false, json::error_handler_t::replace);
}

Result<Outcome> parse_outcome(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  Outcome outcome;
  if (!document.is_object() || !document.contains("status") || !document["status"].is_number_integer()) {
    return Error{"cannot read how the VM ended: it is no JSON object with a status"};
  }
  outcome.status = document["status"].get<int>();
  if (const auto message = document.find("message"); message != document.end() && message->is_string()) {
    outcome.message = message->get<std::string>();
  }
  if (const auto details = document.find("details"); details != document.end() && details->is_array()) {
    for (const json& line : *details) {
      if (line.is_string()) outcome.details.push_back(line.get<std::string>());
    }
  }
  return outcome;
}

}  // namespace kestrel::hostd
