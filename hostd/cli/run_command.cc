#include "hostd/cli/run_command.h"

#include <cstdio>

#include "hostd/cli/failure.h"
#include "hostd/cli/run_view.h"
#include "hostd/runner/run_vm.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

int run_command(const RunOptions& options) {
  const TscMeter tsc;
  const auto made = make_spec(options);
  if (const auto* refusal = std::get_if<Outcome>(&made)) {
    std::fputs(describe_end(options.vm.image, *refusal, {}).c_str(), stderr);
    return refusal->status;
  }
  const auto& spec = std::get<VmSpec>(made);
  if (options.is_detached) return run_detached(spec, options);

  loop::Loop loop;
  RunView view(loop, spec, options.is_quiet ? Verbosity::quiet : Verbosity::normal);
  return run_vm(loop, spec, view, tsc, options.keeps ? AfterEnd::keep_logs : AfterEnd::remove).status;
}

}  // namespace kestrel::hostd
