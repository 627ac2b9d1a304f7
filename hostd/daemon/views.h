// VMs and deployments as JSON, as the API shows them. docs/openapi-hostd.yaml has their schemas.
#pragma once

#include <string>

#include "hostd/daemon/deployments.h"
#include "hostd/daemon/managed_vm.h"

namespace kestrel::hostd {

[[nodiscard]] std::string to_json(const ManagedVm& vm);
[[nodiscard]] std::string to_json(const DeploymentView& deployment);
/// `{"NAME":[…]}` of objects that are JSON already.
[[nodiscard]] std::string list_json(std::string_view name, const std::vector<std::string>& objects);

}  // namespace kestrel::hostd
