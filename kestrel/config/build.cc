#include "kestrel/config/build.h"

#include "kestrel/config/keys.h"

namespace kestrel::config {

std::optional<ModelDraft> build(const Raw& root, Problems& problems) {
  Context context(problems);
  ModelDraft draft;
  // An empty file is read as an empty map: that it lacks `exec` says more than that it is no map.
  if (std::holds_alternative<RawNothing>(root.value)) return draft;
  if (!expect_map(context, root)) return std::nullopt;
  read_model(context, root, draft);
  return draft;
}

}  // namespace kestrel::config
