#include "kestrel/probes/probe.h"

#include "kestrel/base/overloaded.h"
#include "kestrel/probes/kinds.h"

namespace kestrel::probes {

std::unique_ptr<Probing> start_probe(loop::Loop& loop, const config::Probe& probe, ProbeContext context,
                                     std::function<void(const ProbeResult&)> done) {
  using Started = std::unique_ptr<Probing>;
  return std::visit(
      overloaded{
          [&](const config::HttpProbe& one) -> Started {
            return start_http_probe(loop, one, std::move(done));
          },
          [&](const config::TcpProbe& one) -> Started { return start_tcp_probe(loop, one, std::move(done)); },
          [&](const config::ExecProbe& one) -> Started {
            return start_exec_probe(loop, one, *context.launcher, std::move(done));
          },
      },
      probe);
}

}  // namespace kestrel::probes
