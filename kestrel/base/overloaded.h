// overloaded{…}: one visitor from several lambdas, for std::visit over a state or an event. No visitor has a
// catch-all: a new alternative must fail to compile wherever it is not yet thought of.
#pragma once

namespace kestrel {

template <typename... Fs>
struct overloaded : Fs... {
  using Fs::operator()...;
};
template <typename... Fs>
overloaded(Fs...) -> overloaded<Fs...>;

}  // namespace kestrel
