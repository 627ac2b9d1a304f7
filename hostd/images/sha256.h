// SHA-256 (FIPS 180-4) of bytes that come piece by piece.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "kestrel/base/result.h"

namespace kestrel::hostd {

class Sha256 {
 public:
  Sha256();
  Sha256(Sha256&&) noexcept;
  Sha256& operator=(Sha256&&) noexcept;
  ~Sha256();

  void update(std::string_view bytes);
  /// 64 lower case hexadecimal digits. Afterwards it begins anew.
  [[nodiscard]] std::string finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Of all that is in the file.
[[nodiscard]] Result<std::string> digest_of_file(const std::string& path);

/// Whether it looks like what finish() gives.
[[nodiscard]] bool is_digest(std::string_view text);

}  // namespace kestrel::hostd
