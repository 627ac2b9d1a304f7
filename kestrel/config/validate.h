// The rules that concern more than one value: names, dependencies, combinations that contradict each other.
#pragma once

#include "kestrel/config/draft.h"
#include "kestrel/config/problem.h"

namespace kestrel::config {

/// Adds every broken rule to `problems`, and sets the index of each dependency whose service exists.
void validate(ModelDraft& draft, Problems& problems);

}  // namespace kestrel::config
