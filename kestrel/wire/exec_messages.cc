#include "kestrel/wire/exec_messages.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/json_depth.h"

namespace kestrel::wire {

namespace {

using Json = nlohmann::json;

std::string print(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

Error wrong(std::string_view key, std::string_view what) {
  return {concat("'", printable(key), "' must be ", what)};
}

// --- the members of a request -----------------------------------------------------------------------------

/// What execve() takes: text without NUL.
Result<void> read_text(std::string_view key, const Json& value, std::string& into) {
  if (!value.is_string()) return wrong(key, "text");
  into = value.get_ref<const std::string&>();
  if (into.find('\0') != std::string::npos) return wrong(key, "text without NUL");
  return {};
}

Result<void> read_flag(std::string_view key, const Json& value, bool& into) {
  if (!value.is_boolean()) return wrong(key, "true or false");
  into = value.get<bool>();
  return {};
}

Result<void> read_size(std::string_view key, const Json& value, std::uint16_t& into) {
  constexpr std::uint64_t most = std::numeric_limits<std::uint16_t>::max();
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most)
    return wrong(key, "a whole number from 0 to 65535");
  into = static_cast<std::uint16_t>(value.get<std::uint64_t>());
  return {};
}

Result<void> read_args(const Json& value, std::vector<std::string>& into) {
  if (!value.is_array()) return wrong("args", "a list");
  for (const Json& one : value) {
    if (auto read = read_text("args", one, into.emplace_back()); !read) return read;
  }
  return {};
}

Result<void> add_variable(std::string name, const Json& value, ExecRequest& into) {
  if (name.empty() || name.find('=') != std::string::npos || name.find('\0') != std::string::npos)
    return wrong("env", "variables whose names are not empty and have no '='");
  into.env.emplace_back(std::move(name), std::string());
  return read_text("env", value, into.env.back().second);
}

/// {"NAME": "value"} or, as in a configuration, [{"name": "NAME", "value": "value"}].
Result<void> read_env(const Json& value, ExecRequest& into) {
  if (value.is_object()) {
    for (const auto& [name, text] : value.items()) {
      if (auto added = add_variable(name, text, into); !added) return added;
    }
    return {};
  }
  if (!value.is_array()) return wrong("env", "an object or a list");
  for (const Json& one : value) {
    if (!one.is_object() || one.size() != 2 || !one.contains("name") || !one.contains("value"))
      return wrong("env", R"(a list of {"name": …, "value": …})");
    std::string name;
    if (auto read = read_text("env", one["name"], name); !read) return read;
    if (auto added = add_variable(std::move(name), one["value"], into); !added) return added;
  }
  return {};
}

Result<void> read_timeout(const Json& value, ExecRequest& into) {
  if (value.is_string()) into.timeout = parse_duration(value.get_ref<const std::string&>());
  if (!into.timeout || *into.timeout == Duration::zero())
    return wrong("timeout", R"(a duration above 0, such as "30s")");
  return {};
}

Result<void> read_folder(const Json& value, ExecRequest& into) {
  if (auto read = read_text("working_dir", value, into.working_dir); !read) return read;
  if (!into.working_dir.empty() && into.working_dir.front() != '/')
    return wrong("working_dir", "an absolute path");
  return {};
}

struct Member {
  std::string_view key;
  Result<void> (*read)(const Json& value, ExecRequest& into);
};
constexpr std::array members{
    Member{"command", [](const Json& v, ExecRequest& r) { return read_text("command", v, r.command); }},
    Member{"args", [](const Json& v, ExecRequest& r) { return read_args(v, r.args); }},
    Member{"env", read_env},
    Member{"user", [](const Json& v, ExecRequest& r) { return read_text("user", v, r.user); }},
    Member{"working_dir", read_folder},
    Member{"tty", [](const Json& v, ExecRequest& r) { return read_flag("tty", v, r.has_terminal); }},
    Member{"rows", [](const Json& v, ExecRequest& r) { return read_size("rows", v, r.size.rows); }},
    Member{"cols", [](const Json& v, ExecRequest& r) { return read_size("cols", v, r.size.columns); }},
    Member{"stdin",
           [](const Json& v, ExecRequest& r) { return read_flag("stdin", v, r.has_stdin.emplace()); }},
    Member{"timeout", read_timeout},
    Member{"detach", [](const Json& v, ExecRequest& r) { return read_flag("detach", v, r.is_detached); }},
};

Error unknown_member(std::string_view key) {
  std::vector<std::string_view> keys;
  for (const Member& one : members) keys.push_back(one.key);
  const auto meant = nearest(key, keys);
  return {concat("there is no member '", printable(key), "'",
                 meant ? concat("; did you mean '", *meant, "'?") : "")};
}

Json parse_object(std::string_view text) {
  if (!is_shallow_json(text)) return {};
  Json json = Json::parse(text, nullptr, false);
  return json.is_object() ? json : Json();
}

/// null where there is none, also of what is no object.
Json member_of(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() ? Json() : *found;
}

Result<std::uint64_t> read_number(const Json& json, const char* key) {
  const Json value = member_of(json, key);
  if (!value.is_number_unsigned()) return wrong(key, "a whole number");
  return value.get<std::uint64_t>();
}

int read_int(const Json& json, const char* key) {
  const Json value = member_of(json, key);
  return value.is_number_integer() ? value.get<int>() : 0;
}

bool read_bool(const Json& json, const char* key) { return member_of(json, key) == true; }

std::string read_string(const Json& json, const char* key) {
  const Json value = member_of(json, key);
  return value.is_string() ? value.get<std::string>() : std::string();
}

/// `ENOENT`; the number of one without a name.
std::string error_name(int error) {
  const char* name = ::strerrorname_np(error);
  return name != nullptr ? name : concat(error);
}

int error_number(std::string_view name) {
  constexpr int above_all = 134;
  for (int error = 1; error < above_all; ++error) {
    if (error_name(error) == name) return error;
  }
  return 0;
}

}  // namespace

Result<ExecRequest> parse_exec_request(std::string_view body) {
  if (!is_shallow_json(body)) return Error{"the body is nested too deeply"};
  const Json json = parse_object(body);
  if (!json.is_object()) return Error{"the body is not a JSON object"};
  ExecRequest request;
  for (const auto& [key, value] : json.items()) {
    const auto member = std::find_if(members.begin(), members.end(),
                                     [&name = key](const Member& one) { return one.key == name; });
    if (member == members.end()) return unknown_member(key);
    if (auto read = member->read(value, request); !read) return read.error();
  }
  if (request.command.empty()) return Error{"'command' must name a program"};
  return request;
}

std::string to_json(const ExecRequest& request) {
  Json json = {{"command", request.command}, {"args", request.args}};
  if (request.has_stdin) json["stdin"] = *request.has_stdin;
  if (!request.env.empty()) {
    Json env = Json::array();
    for (const auto& [name, value] : request.env) env.push_back({{"name", name}, {"value", value}});
    json["env"] = std::move(env);
  }
  if (!request.user.empty()) json["user"] = request.user;
  if (!request.working_dir.empty()) json["working_dir"] = request.working_dir;
  if (request.has_terminal) {
    json["tty"] = true;
    json["rows"] = request.size.rows;
    json["cols"] = request.size.columns;
  }
  if (request.timeout) json["timeout"] = format_duration(*request.timeout);
  if (request.is_detached) json["detach"] = true;
  return print(json);
}

std::string to_json(const ExecExit& exit) {
  return concat(R"({"code":)", exit.code, R"(,"signal":)", exit.signal, R"(,"oom":)",
                exit.is_oom_kill ? "true" : "false", R"(,"timeout":)", exit.is_timeout ? "true" : "false",
                "}");
}

Result<ExecExit> parse_exec_exit(std::string_view text) {
  const Json json = parse_object(text);
  if (!json.is_object()) return Error{"cannot read how the program ended: it is no JSON object"};
  return ExecExit{read_int(json, "code"), read_int(json, "signal"), read_bool(json, "oom"),
                  read_bool(json, "timeout")};
}

Response to_response(const ExecFailure& failure) {
  Response response = problem(exec_failure_status, failure.cause);
  Json body = parse_object(response.body);
  body["stage"] = failure.stage;
  body["errno"] = failure.error != 0 ? Json(error_name(failure.error)) : Json();
  response.body = print(body) + '\n';
  return response;
}

std::optional<ExecFailure> read_exec_failure(const Response& response) {
  if (response.status != exec_failure_status) return std::nullopt;
  const Json json = parse_object(response.body);
  if (!json.is_object() || !json.contains("stage")) return std::nullopt;
  return ExecFailure{read_string(json, "stage"), read_string(json, "detail"),
                     error_number(read_string(json, "errno"))};
}

std::string to_json(TerminalSize size) {
  return concat(R"({"rows":)", size.rows, R"(,"cols":)", size.columns, "}");
}

Result<TerminalSize> parse_terminal_size(std::string_view text) {
  const Json json = parse_object(text);
  TerminalSize size;
  if (auto rows = read_size("rows", member_of(json, "rows"), size.rows); !rows) return rows.error();
  if (auto columns = read_size("cols", member_of(json, "cols"), size.columns); !columns)
    return columns.error();
  return size;
}

std::string signal_json(int signal) { return concat(R"({"signal":)", signal, "}"); }

Result<int> parse_signal_json(std::string_view text) {
  const Json signal = member_of(parse_object(text), "signal");
  std::optional<int> number;
  if (signal.is_string()) number = parse_signal(signal.get_ref<const std::string&>());
  if (signal.is_number_integer()) number = parse_signal(signal.dump());
  if (!number) return Error{R"(it must name a signal, as {"signal": "TERM"})"};
  return *number;
}

std::string window_json(std::uint64_t bytes) { return concat(R"({"bytes":)", bytes, "}"); }

Result<std::uint64_t> parse_window(std::string_view text) { return read_number(parse_object(text), "bytes"); }

std::string error_json(std::string_view message) { return print({{"message", message}}); }

std::string parse_error_json(std::string_view text) { return read_string(parse_object(text), "message"); }

std::string to_json(const OutputGap& gap) {
  return concat(R"({"first":)", gap.first, R"(,"last":)", gap.last, "}");
}

Result<OutputGap> parse_gap(std::string_view text) {
  const Json json = parse_object(text);
  const auto first = read_number(json, "first");
  if (!first) return first.error();
  const auto last = read_number(json, "last");
  if (!last) return last.error();
  return OutputGap{*first, *last};
}

}  // namespace kestrel::wire
