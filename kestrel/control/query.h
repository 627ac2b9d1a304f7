// Values in a request's query, and the answer where one of them is none.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "kestrel/base/result.h"
#include "kestrel/wire/http.h"

namespace kestrel::control {

/// `?name=1`, `?name=true` or just `?name` is true; absent, `0` and `false` are not.
[[nodiscard]] Result<bool> query_flag(const wire::Target& target, std::string_view name);
/// A whole number from 0 on; nullopt where it is absent.
[[nodiscard]] Result<std::optional<std::uint64_t>> query_number(const wire::Target& target,
                                                                std::string_view name);

/// A name that exists nowhere: 404, with the candidate that was probably meant.
[[nodiscard]] wire::Response unknown_name(std::string_view kind, std::string_view name,
                                          std::span<const std::string_view> candidates);

}  // namespace kestrel::control
