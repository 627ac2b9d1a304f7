// Strong<Tag, T>: an integer or string that cannot be mixed up with another kind.
#pragma once

#include <compare>
#include <functional>

namespace kestrel {

template <typename Tag, typename T>
struct Strong {
  T value{};
  friend constexpr auto operator<=>(const Strong&, const Strong&) = default;
};

}  // namespace kestrel

template <typename Tag, typename T>
struct std::hash<kestrel::Strong<Tag, T>> {
  std::size_t operator()(const kestrel::Strong<Tag, T>& id) const noexcept {
    return std::hash<T>{}(id.value);
  }
};
