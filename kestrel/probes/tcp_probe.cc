#include "kestrel/base/text.h"
#include "kestrel/loop/connector.h"
#include "kestrel/loop/timer.h"
#include "kestrel/probes/kinds.h"
#include "kestrel/probes/target.h"

namespace kestrel::probes {

namespace {

class TcpProbing final : public Probing {
 public:
  TcpProbing(loop::Loop& loop, const config::TcpProbe& probe, Done done)
      : name_(concat("tcp ", authority(probe.host, probe.port))), done_(std::move(done)) {
    auto socket = connect_to(probe.host, probe.port);
    if (!socket) {
      failure_ = loop::Timer(loop, [this, cause = socket.error()] { conclude(cause); });
      failure_.arm(Duration::zero());
      return;
    }
    connector_ =
        loop::Connector(loop, std::move(*socket), connect_limit, [this](Result<sys::UniqueFd> connected) {
          conclude(connected ? Result<void>() : connected.error());
        });
  }

 private:
  void conclude(const Result<void>& outcome) {
    const auto done = std::move(done_);
    done({outcome.has_value(),
          outcome ? concat(name_, " accepts") : concat(name_, ": ", cause_of(outcome.error()))});
  }

  std::string name_;
  Done done_;
  loop::Connector connector_;
  loop::Timer failure_;
};

}  // namespace

std::unique_ptr<Probing> start_tcp_probe(loop::Loop& loop, const config::TcpProbe& probe, Done done) {
  return std::make_unique<TcpProbing>(loop, probe, std::move(done));
}

}  // namespace kestrel::probes
