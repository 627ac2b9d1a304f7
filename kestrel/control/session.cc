#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

constexpr std::string_view scheme = "Bearer ";

/// Looks at every byte of `given`, whatever it finds.
bool is_equal_in_constant_time(std::string_view given, std::string_view secret) {
  unsigned difference = given.size() == secret.size() ? 0 : 1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const char expected = secret.empty() ? '\0' : secret[i % secret.size()];
    difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(expected);
  }
  return difference == 0;
}

}  // namespace

Answer get_session(const Call&) { return empty_response(204); }

bool has_token(const wire::Request& request, std::string_view token) {
  const auto value = wire::find_header(request.headers, "Authorization");
  if (!value || !value->starts_with(scheme)) return false;
  return is_equal_in_constant_time(value->substr(scheme.size()), token);
}

}  // namespace kestrel::control
