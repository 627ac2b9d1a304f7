// Raw values to a draft of the model, by the tables of keys (keys.h).
#pragma once

#include <optional>

#include "kestrel/config/draft.h"
#include "kestrel/config/key_table.h"
#include "kestrel/config/raw.h"

namespace kestrel::config {

/// Reads all that can be read and adds the rest to `problems`; nullopt if `root` is no map at all.
[[nodiscard]] std::optional<ModelDraft> build(const Raw& root, Problems& problems);

}  // namespace kestrel::config
