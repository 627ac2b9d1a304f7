// Patterns over what strangers print: RE2, whose time is linear whatever the pattern and the text.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace re2 {
class RE2;
}

namespace kestrel::probes {

class Pattern {
 public:
  [[nodiscard]] static Result<Pattern> create(const std::string& pattern);
  Pattern(Pattern&&) noexcept;
  Pattern& operator=(Pattern&&) noexcept;
  ~Pattern();

  [[nodiscard]] bool is_in(std::string_view text) const;

 private:
  explicit Pattern(std::unique_ptr<re2::RE2> compiled);
  std::unique_ptr<re2::RE2> compiled_;
};

}  // namespace kestrel::probes
