// From a plan to an image.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "hostd/build/build_plan.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// What a build finds on this host.
struct Workshop {
  std::string kestrel;    ///< the guest's binary, which becomes the image's init
  std::string kernel;     ///< a bzImage or vmlinux
  std::string modules;    ///< its lib/modules/VERSION; empty: everything is built in
  std::int64_t time = 0;  ///< of all files, in seconds since 1970 (SOURCE_DATE_EPOCH)
  bool checks_config = true;
  /// Told what is begun, as in `packing the initramfs`.
  std::function<void(std::string_view)> on_step = [](std::string_view) {};
};

/// Makes `output`: an archive where it ends in `.tar.gz`, else a folder; images/bundle.h says of what. What
/// is there is replaced when the new one is whole; a folder, only where it is an image or empty. On an error
/// nothing is left behind.
[[nodiscard]] Result<void> build_image(const BuildPlan& plan, const Workshop& workshop,
                                       const std::string& output);

}  // namespace kestrel::hostd
