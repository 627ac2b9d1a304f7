// What is meant where nothing is said.
#pragma once

#include "kestrel/config/draft.h"
#include "kestrel/config/model.h"

namespace kestrel::config {

/// The name of a check that may have none of its own: the type of its probe.
[[nodiscard]] std::string name_of(const CheckDraft& draft);

/// The finished model of a draft without problems. Defaults that depend on nothing are in model.h; this fills
/// in those that depend on something else in the file.
[[nodiscard]] Model with_defaults(ModelDraft draft);

}  // namespace kestrel::config
