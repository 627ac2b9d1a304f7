// Loading in tests: a model or a failed test.
#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>

#include "kestrel/config/load.h"

namespace kestrel::config {

inline Model load_valid(std::string_view text) {
  Loaded loaded = load(text);
  if (const auto* problems = std::get_if<Problems>(&loaded)) {
    for (const Problem& problem : *problems) UNSCOPED_INFO(describe(problem, "text"));
    FAIL("the text does not load");
  }
  return std::get<Model>(std::move(loaded));
}

inline Problems problems_in(std::string_view text) {
  Loaded loaded = load(text);
  const auto* problems = std::get_if<Problems>(&loaded);
  return problems ? *problems : Problems{};
}

}  // namespace kestrel::config
