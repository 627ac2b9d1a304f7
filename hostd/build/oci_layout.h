// A container image as a folder (OCI image-spec, image-layout.md): what skopeo, buildah and others leave
// behind.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "hostd/build/spool.h"
#include "hostd/build/tree.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd {

[[nodiscard]] bool is_oci_layout(const std::string& path);

/// What a container of the image would run.
struct OciProcess {
  std::vector<std::string> command;  ///< entrypoint and arguments; empty: it names none
  std::map<std::string, std::string> env;
  std::string working_dir;
  std::string user;
};

/// Puts the image's layers into the tree, one over the other, with what each takes away of those below
/// (image-spec, layer.md). Each is held against its digest. Of images for several machines it is the one for
/// amd64.
[[nodiscard]] Result<OciProcess> add_oci_layout(Tree& tree, const std::string& path, Spool& spool);

}  // namespace kestrel::hostd
