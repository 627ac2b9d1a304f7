#include "hostd/fleet/deployment.h"

#include <algorithm>

#include "kestrel/base/text.h"

namespace kestrel::hostd {

std::string problem_of(const DeploymentRequest& request) {
  // The replicas' names are longer than the deployment's, by `-` and a number.
  if (!is_vm_name(concat(request.name, "-1000"))) {
    return concat(
        "`", printable(request.name),
        "` is no deployment's name: letters, digits, `-`, `_` and `.`, not first, and at most 35 of them");
  }
  if (request.replicas > most_replicas)
    return concat("it cannot have more than ", most_replicas, " replicas");
  if (!request.vm.name.empty() && request.vm.name != request.name) return "its replicas are named after it";
  if (request.rollout.max_surge == 0 && request.rollout.max_unavailable == 0)
    return "`max_surge` and `max_unavailable` cannot both be 0: an update could never begin";
  if (!request.vm.volumes.empty())
    return concat("its replicas would all use volume ", request.vm.volumes.front(),
                  ": volumes are for VMs on their own");
  for (const std::string& text : request.vm.ports) {
    const auto port = parse_published_port(text);
    if (port && port->host != 0) {
      return concat("each replica would publish port ", port->host,
                    " of the host: `publish` is for a port that leads to all of them");
    }
  }
  return {};
}

DeploymentRequest request_of(const Deployment& deployment) {
  DeploymentRequest request;
  request.name = deployment.name;
  request.replicas = deployment.replicas;
  for (const PublishedPort& port : deployment.publish) request.publish.push_back(format_published_port(port));
  request.rollout = deployment.rollout;
  request.vm = deployment.target.request;
  return request;
}

std::string free_replica_name(std::string_view deployment, const std::vector<std::string>& taken) {
  for (unsigned number = 1;; ++number) {
    std::string name = concat(deployment, '-', number);
    if (std::find(taken.begin(), taken.end(), name) == taken.end()) return name;
  }
}

VmSpec spec_of_replica(const Revision& revision, const std::string& name, std::string_view vms_dir) {
  VmSpec spec = revision.spec;
  spec.name = name;
  spec.runtime_dir = concat(vms_dir, '/', name);
  return spec;
}

}  // namespace kestrel::hostd
