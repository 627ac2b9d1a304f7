// As much of JSON Schema (draft 2020-12) as docs/openapi.yaml is written in; a keyword beyond it is an error,
// so that nothing is taken for checked that is not.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace kestrel::control::test {

class SchemaChecker {
 public:
  /// References (`#/…`) lead into `document`, which outlives the checker.
  explicit SchemaChecker(const nlohmann::json& document) : document_(&document) {}

  /// All that is wrong with `value`, each as `PATH: what`. A member that an object's schema does not name is
  /// wrong unless `additionalProperties` allows it: what is not described was forgotten.
  [[nodiscard]] std::vector<std::string> complaints(const nlohmann::json& value,
                                                    const nlohmann::json& schema) const;

  /// What `value` is, or what its `$ref` leads to. Throws where that leads nowhere.
  [[nodiscard]] const nlohmann::json& resolve(const nlohmann::json& value) const;

 private:
  void check(const nlohmann::json& value, const nlohmann::json& schema, const std::string& path,
             std::vector<std::string>& out) const;
  void check_object(const nlohmann::json& value, const nlohmann::json& schema, const std::string& path,
                    std::vector<std::string>& out) const;

  const nlohmann::json* document_;
};

}  // namespace kestrel::control::test
