// Writing messages, and the parts of a target.
#include <algorithm>
#include <array>
#include <cctype>
#include <nlohmann/json.hpp>

#include "kestrel/base/text.h"
#include "kestrel/wire/http.h"

namespace kestrel::wire {

namespace {

bool equal_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Nothing in a header may end its line: what could becomes a space in a value and goes in a name.
void append_headers(std::string& out, const Headers& headers) {
  for (auto [name, value] : headers) {
    std::erase_if(name, is_control);
    std::replace_if(value.begin(), value.end(), is_control, ' ');
    out += concat(name, ": ", value, "\r\n");
  }
}

int hexadecimal_value(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

Result<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hexadecimal_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hexadecimal_value(text[i + 2]) : -1;
      if (high < 0 || low < 0)
        return Error{concat("cannot decode '", text, "': % is not followed by two digits")};
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
}

std::string percent(char c) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  return concat('%', digits[byte >> 4], digits[byte & 15]);
}

/// A target cannot hold what would end it.
std::string one_word(std::string_view target) {
  std::string out;
  for (const char c : target) out += c == ' ' || is_control(c) ? percent(c) : std::string(1, c);
  return out;
}

struct Status {
  int code;
  std::string_view phrase;
};
/// RFC 9110, section 15, and RFC 6585.
constexpr std::array statuses = {
    Status{101, "Switching Protocols"},
    Status{200, "OK"},
    Status{201, "Created"},
    Status{202, "Accepted"},
    Status{204, "No Content"},
    Status{400, "Bad Request"},
    Status{401, "Unauthorized"},
    Status{403, "Forbidden"},
    Status{404, "Not Found"},
    Status{405, "Method Not Allowed"},
    Status{408, "Request Timeout"},
    Status{409, "Conflict"},
    Status{412, "Precondition Failed"},
    Status{410, "Gone"},
    Status{413, "Content Too Large"},
    Status{422, "Unprocessable Content"},
    Status{426, "Upgrade Required"},
    Status{431, "Request Header Fields Too Large"},
    Status{500, "Internal Server Error"},
    Status{501, "Not Implemented"},
    Status{502, "Bad Gateway"},
    Status{503, "Service Unavailable"},
    Status{504, "Gateway Timeout"},
    Status{507, "Insufficient Storage"},
};

bool carries_body(int status) { return status >= 200 && status != 204 && status != 304; }

constexpr std::string_view chunked_end = "Transfer-Encoding: chunked\r\n\r\n";

/// A head but for its end: the first line, and the headers.
std::string lines_of(const Response& response) {
  auto out = concat("HTTP/1.1 ", response.status, " ", reason_phrase(response.status), "\r\n");
  append_headers(out, response.headers);
  if (!response.keep_alive) out += "Connection: close\r\n";
  return out;
}

std::string lines_of(const Request& request) {
  auto out = concat(request.method, " ", one_word(request.target), " HTTP/1.1\r\n");
  append_headers(out, request.headers);
  if (!request.keep_alive) out += "Connection: close\r\n";
  return out;
}

/// As a JSON string; bytes that are not UTF-8 become U+FFFD.
std::string quoted(std::string_view text) {
  using Json = nlohmann::json;
  return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::optional<std::string_view> find_header(const Headers& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

std::optional<std::string_view> Target::find(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return std::nullopt;
}

Result<Target> parse_target(std::string_view target) {
  const auto mark = target.find('?');
  auto path = percent_decode(target.substr(0, mark), false);
  if (!path) return path.error();
  Target out{std::move(*path), {}};
  if (mark == std::string_view::npos) return out;
  for (const auto pair : split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const auto equals = pair.find('=');
    auto key = percent_decode(pair.substr(0, equals), true);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view() : pair.substr(equals + 1), true);
    if (!key) return key.error();
    if (!value) return value.error();
    out.query.emplace_back(std::move(*key), std::move(*value));
  }
  return out;
}

/// What RFC 3986 calls unreserved stays.
std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool is_unreserved =
        std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' || c == '~';
    out += is_unreserved ? std::string(1, c) : percent(c);
  }
  return out;
}

std::string_view reason_phrase(int status) {
  const auto found =
      std::find_if(statuses.begin(), statuses.end(), [=](Status one) { return one.code == status; });
  return found == statuses.end() ? "Unknown" : found->phrase;
}

std::string serialize(const Request& request) {
  auto out = lines_of(request);
  const bool may_carry_body = request.method == "POST" || request.method == "PUT";
  if (may_carry_body || !request.body.empty()) out += concat("Content-Length: ", request.body.size(), "\r\n");
  return out + "\r\n" + request.body;
}

std::string serialize(const Response& response) {
  auto out = lines_of(response);
  if (!carries_body(response.status)) return out + "\r\n";
  return concat(out, "Content-Length: ", response.body.size(), "\r\n\r\n", response.body);
}

std::string serialize_head(const Response& response) { return lines_of(response) + "\r\n"; }

std::string serialize_chunked_head(const Response& response) {
  return lines_of(response).append(chunked_end);
}

std::string serialize_chunked_head(const Request& request) { return lines_of(request).append(chunked_end); }

std::string chunk(std::string_view data) {
  // An empty chunk would be the last.
  if (data.empty()) return {};
  std::string size;
  for (auto rest = data.size(); rest > 0; rest /= 16)
    size.insert(size.begin(), "0123456789abcdef"[rest % 16]);
  return concat(size, "\r\n", data, "\r\n");
}

std::string_view last_chunk() { return "0\r\n\r\n"; }

Response problem(int status, std::string_view detail) {
  return {.status = status,
          .headers = {{"Content-Type", "application/problem+json"}},
          .body = concat(R"({"type":"about:blank","title":)", quoted(reason_phrase(status)), R"(,"status":)",
                         status, R"(,"detail":)", quoted(detail), "}\n")};
}

Response json_response(int status, std::string json) {
  json.push_back('\n');
  return {.status = status, .headers = {{"Content-Type", "application/json"}}, .body = std::move(json)};
}

}  // namespace kestrel::wire
