#include "hostd/cli/guest_api.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "hostd/cli/failure.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/text.h"
#include "kestrel/wire/client.h"

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
  if (!is_running(vm)) {
    not_running(verb, vm);
    return std::nullopt;
  }
  if (is_paused(vm)) {
    fail(ExitCode::host_error, concat("cannot ", verb, ' ', vm, ": it is paused"),
         concat("let it go on with: kestrelctl vms resume ", vm));
    return std::nullopt;
  }
  return concat(vm_dir(vm), '/', api_socket);
}

bool is_paused(const std::string& vm) {
  if (!is_vm_name(vm)) return false;
  const auto answer = ask_api(concat(vm_dir(vm), '/', runner_socket), "/v1/vm", seconds(1));
  if (!answer) return false;
  const auto json = nlohmann::json::parse(*answer, nullptr, false);
  return json.is_object() && json.value("state", nlohmann::json()) == "paused";
}

Result<std::string> ask_api(const std::string& socket, std::string target, Duration patience) {
  auto client = wire::ApiClient::connect_unix(socket, patience);
  if (!client) return client.error();
  wire::Request request;
  request.method = "GET";
  request.target = std::move(target);
  auto response = client->request(request);
  if (!response) return response.error();
  if (response->status != 200)
    return Error{concat("the answer was ", response->status, ": ", response->body)};
  return std::move(response->body);
}

}  // namespace kestrel::hostd
