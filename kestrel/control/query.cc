#include "kestrel/control/query.h"

#include "kestrel/base/text.h"

namespace kestrel::control {

Result<bool> query_flag(const wire::Target& target, std::string_view name) {
  const std::optional<std::string_view> value = target.find(name);
  if (!value || value == "0" || value == "false") return false;
  if (value->empty() || value == "1" || value == "true") return true;
  return Error{concat("cannot read ", name, "=", printable(*value), ": it must be 0 or 1")};
}

Result<std::optional<std::uint64_t>> query_number(const wire::Target& target, std::string_view name) {
  const std::optional<std::string_view> value = target.find(name);
  if (!value) return std::optional<std::uint64_t>();
  const std::optional<std::int64_t> number = parse_integer(*value);
  if (number && *number >= 0) return std::optional(static_cast<std::uint64_t>(*number));
  return Error{
      concat("cannot read ", name, "=", printable(*value), ": it must be a whole number, 0 or more")};
}

wire::Response unknown_name(std::string_view kind, std::string_view name,
                            std::span<const std::string_view> candidates) {
  std::string detail = concat("there is no ", kind, " '", printable(name), "'");
  if (const auto meant = nearest(name, candidates)) detail += concat("; did you mean '", *meant, "'?");
  return wire::problem(404, detail);
}

}  // namespace kestrel::control
