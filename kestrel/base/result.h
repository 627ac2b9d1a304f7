// Result<T>: a value or the reason why there is none.
//
// Member names follow std::expected (C++23), so that the type can be swapped for it one day. Errors are made
// where something fails, gain context on the way up (`error.in("cannot load /etc/kestrel/config.yaml")`), and
// are logged only at a program's edge. A message reads `cannot <verb> <object>: <cause>`.
#pragma once

#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace kestrel {

/// Why something failed. `code` is an errno where the cause is one, else 0.
struct Error {
  std::string message;
  int code = 0;

  /// The same error seen from one level up: "<context>: <message>".
  [[nodiscard]] Error in(std::string_view context) const& {
    return Error{std::string(context) + ": " + message, code};
  }
};

/// "cannot <verb> <object>: <strerror(code)>".
[[nodiscard]] inline Error errno_error(std::string_view what, int code) {
  return Error{std::string(what) + ": " + std::strerror(code), code};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}      // NOLINT: implicit on purpose
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}  // NOLINT

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }

  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  /// By value, so that a loop over the value of a temporary Result is safe.
  [[nodiscard]] T value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] T& operator*() & { return value(); }
  [[nodiscard]] const T& operator*() const& { return value(); }
  [[nodiscard]] T operator*() && { return std::move(*this).value(); }
  [[nodiscard]] T* operator->() { return &value(); }
  [[nodiscard]] const T* operator->() const { return &value(); }

  [[nodiscard]] const Error& error() const { return std::get<1>(state_); }
  [[nodiscard]] T value_or(T fallback) const& { return has_value() ? value() : std::move(fallback); }

 private:
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit on purpose

  [[nodiscard]] bool has_value() const { return !error_; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] const Error& error() const { return *error_; }

 private:
  std::optional<Error> error_;
};

}  // namespace kestrel
