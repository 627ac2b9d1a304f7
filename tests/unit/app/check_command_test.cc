#include "kestrel/app/check_command.h"

#include <catch2/catch.hpp>
#include <filesystem>

using kestrel::app::run_check;

namespace {
const auto configurations = std::filesystem::path(__FILE__).parent_path() / ".." / "config";
}

TEST_CASE("check tells by its status whether a configuration is valid", "[app]") {
  CHECK(run_check((configurations / "good" / "rest-api.yaml").string(), std::nullopt, true) == 0);
  CHECK(run_check((configurations / "bad" / "154-many-at-once.yaml").string(), std::nullopt, true) == 1);
  CHECK(run_check("/nonexistent.yaml", std::nullopt, true) == 1);
}

TEST_CASE("check with a root fails when that root lacks the programs", "[app]") {
  CHECK(run_check((configurations / "good" / "rest-api.yaml").string(), "/nonexistent", true) == 1);
}
