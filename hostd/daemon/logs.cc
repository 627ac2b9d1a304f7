#include <algorithm>

#include "hostd/daemon/api.h"
#include "hostd/runner/record_body.h"
#include "hostd/runner/runtime_dir.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::int64_t most_lines = 100'000;
constexpr unsigned most_files = 100;

}  // namespace

void list_vm_logs(const ApiCall& call) {
  const ManagedVm* const vm = call.api.fleet.find(call.name);
  if (vm == nullptr) return call.refuse(404, concat("there is no VM ", printable(call.name)));
  RecordFilter filter;
  filter.service = call.target.find("service").value_or("");
  if (const auto lines = call.target.find("lines")) {
    const auto number = parse_integer(*lines);
    if (!number || *number < 0) return call.refuse(422, "`lines` is not a number of lines");
    filter.last = static_cast<std::size_t>(std::min(*number, most_lines));
  }
  wire::Response head;
  head.headers.emplace_back("Content-Type", "application/x-ndjson");
  call.responder.stream(
      head, std::make_unique<RecordBody>(
                RecordReader(concat(vm->record().spec.runtime_dir, '/', logs_file), most_files, filter)));
}

}  // namespace kestrel::hostd
