// `unix:PATH`, as command lines name the API's socket.
#pragma once

#include <string>
#include <string_view>

namespace kestrel::app {

inline constexpr std::string_view unix_scheme = "unix:";

/// What is wrong with `text`; empty if nothing is.
[[nodiscard]] inline std::string unix_address_error(const std::string& text) {
  const bool is_one = text.starts_with(unix_scheme) && text.size() > unix_scheme.size();
  return is_one ? std::string() : "it must have the form unix:PATH";
}

}  // namespace kestrel::app
