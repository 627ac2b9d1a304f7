// What describes the APIs, docs/openapi.yaml and docs/openapi-hostd.yaml, as the tests see it.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "kestrel/wire/http.h"
#include "tests/unit/control/document/json_schema.h"

namespace kestrel::control::test {

/// A file below docs/.
[[nodiscard]] std::string read_document(std::string_view name);

class ApiDocument {
 public:
  /// docs/openapi.yaml, read once.
  static const ApiDocument& get();
  /// docs/openapi-hostd.yaml, read once.
  static const ApiDocument& of_hostd();

  [[nodiscard]] const nlohmann::json& tree() const { return tree_; }
  [[nodiscard]] const SchemaChecker& checker() const { return checker_; }

  /// `GET /v1/services/*` and its kin; parameters of the path have become `*`.
  [[nodiscard]] std::set<std::string> routes() const;

  /// The operation that a request is for; nullptr: the document has none.
  [[nodiscard]] const nlohmann::json* find(std::string_view method, std::string_view path) const;

  /// All that keeps an answer from being the one that the document promises.
  [[nodiscard]] std::vector<std::string> complaints(std::string_view method, std::string_view target,
                                                    const wire::Response& response) const;

  /// The schemas of all JSON that an operation takes and answers with.
  [[nodiscard]] std::vector<nlohmann::json> schemas(const nlohmann::json& operation) const;

 private:
  explicit ApiDocument(std::string_view name);
  nlohmann::json tree_;
  SchemaChecker checker_{tree_};
};

}  // namespace kestrel::control::test
