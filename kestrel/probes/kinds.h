// The kinds of probes, for probe.cc to choose from.
#pragma once

#include "kestrel/probes/probe.h"

namespace kestrel::probes {

using Done = std::function<void(const ProbeResult&)>;

/// Sends one request and judges the answer; of its body at most 64 KiB are looked at.
[[nodiscard]] std::unique_ptr<Probing> start_http_probe(loop::Loop& loop, const config::HttpProbe& probe,
                                                        Done done);
/// Connects, and that is all.
[[nodiscard]] std::unique_ptr<Probing> start_tcp_probe(loop::Loop& loop, const config::TcpProbe& probe,
                                                       Done done);
/// Runs a program: it must exit with 0 and, if a pattern is given, print it within its first 64 KiB.
[[nodiscard]] std::unique_ptr<Probing> start_exec_probe(loop::Loop& loop, const config::ExecProbe& probe,
                                                        ProcessLauncher& launcher, Done done);

}  // namespace kestrel::probes
