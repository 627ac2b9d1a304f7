#include "hostd/cli/guest_api.h"

#include <vector>

#include "hostd/cli/failure.h"
#include "hostd/cli/vms.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

/// No VM's name has a colon.
constexpr std::string_view socket_prefix = "unix:";

}  // namespace

int no_such_vm(std::string_view verb, const std::string& name) {
  const auto names = known_vms();
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto near = nearest(name, candidates);
  return fail(ExitCode::host_error, concat("cannot ", verb, ' ', name, ": there is no VM of that name"),
              near ? concat("did you mean ", *near, "?") : "see them all with: kestrelctl list");
}

int not_running(std::string_view verb, const std::string& name) {
  if (!is_known(name)) return no_such_vm(verb, name);
  return fail(ExitCode::host_error, concat("cannot ", verb, ' ', name, ": it is not running"),
              concat("see how it ended with: kestrelctl status ", name));
}

std::optional<std::string> locate_guest_api(std::string_view verb, const std::string& vm) {
  if (vm.starts_with(socket_prefix)) return vm.substr(socket_prefix.size());
  if (is_running(vm)) return concat(vm_dir(vm), '/', api_socket);
  not_running(verb, vm);
  return std::nullopt;
}

}  // namespace kestrel::hostd
