#include "hostd/daemon/image_users.h"

#include <unistd.h>

#include "hostd/runner/known_vms.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

Result<ImageUsers> image_users(Registry& registry) {
  ImageUsers users = running_specs();
  const auto vms = registry.vms();
  if (!vms) return vms.error();
  for (const VmRecord& vm : *vms) users[vm.name] += to_json(vm.spec);
  const auto deployments = registry.deployments();
  if (!deployments) return deployments.error();
  for (const Deployment& deployment : *deployments)
    users[concat("deployment ", deployment.name)] += to_json(deployment);
  return users;
}

Result<ImageUsers> image_users(const std::string& state_dir) {
  const std::string path = registry_path(state_dir);
  if (::access(path.c_str(), F_OK) != 0) return running_specs();
  auto registry = Registry::open(path);
  if (!registry) return registry.error();
  return image_users(*registry);
}

}  // namespace kestrel::hostd
