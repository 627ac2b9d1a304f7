// From a fledge.toml to a plan. Two forms are understood:
//
//   [plugin] name, version, description      version = "1", strategy = "initramfs" | "oci_rootfs"
//   [plugin.runtime] type, build_script, …   [agent] [init] [source] [filesystem] [mappings]
//   [plugin.manifest] workload, resources    and beside it a manifest.toml with name, version, workload
//
// The one on the left may also say, in [plugin.runtime], what only Kestrel's builder knows: docs/images.md
// lists it. Pure.
#pragma once

#include <string>
#include <string_view>

#include "hostd/build/build_plan.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

/// `path` is what errors call the file, and paths in it count from its folder. The error has all problems,
/// one a line: `PATH:LINE:COLUMN: <cause>`.
[[nodiscard]] Result<BuildPlan> parse_fledge_file(std::string_view text, const std::string& path);

/// What a manifest.toml says besides, into `plan`.
[[nodiscard]] Result<void> add_manifest_toml(std::string_view text, const std::string& path, BuildPlan& plan);

/// For a plan that is complete: the error says what it lacks.
[[nodiscard]] Result<void> check_plan(const BuildPlan& plan);

}  // namespace kestrel::hostd
