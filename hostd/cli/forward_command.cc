#include "hostd/cli/forward_command.h"

#include <signal.h>

#include <cstdio>
#include <list>

#include "hostd/cli/failure.h"
#include "hostd/cli/guest_api.h"
#include "hostd/http/http_call.h"
#include "hostd/runner/handoff.h"
#include "hostd/runner/known_vms.h"
#include "hostd/runner/runtime_dir.h"
#include "hostd/vm_spec.h"
#include "kestrel/base/text.h"
#include "kestrel/loop/listener.h"
#include "kestrel/loop/signal_watcher.h"
#include "kestrel/sys/socket.h"

namespace kestrel::hostd {

namespace {

/// Accepts, and hands each connection over to the VM's runner.
Result<loop::Listener> forward(loop::Loop& loop, const PublishedPort& port, const std::string& handoff_path) {
  auto socket = sys::listen_tcp(port.address, port.host);
  if (!socket) return socket.error();
  const auto number = sys::bound_tcp_port(*socket);
  if (!number) return number.error();
  std::puts(concat(port.address, ':', *number, " → ", port.guest).c_str());
  return loop::Listener(loop, std::move(*socket),
                        [handoff_path, guest = port.guest](const sys::UniqueFd& accepted) {
                          if (const auto given = hand_over(handoff_path, accepted, guest); !given)
                            std::fputs(concat("kestrelctl: ", given.error().message, '\n').c_str(), stderr);
                        });
}

wire::Request events_from_now_on() {
  wire::Request request;
  request.method = "GET";
  request.target = "/v1/events?follow=1&lines=0";
  return request;
}

}  // namespace

int forward_command(const std::string& name, const std::vector<std::string>& ports) {
  if (!is_running(name)) return not_running("forward to", name);
  loop::Loop loop;
  std::list<loop::Listener> listeners;
  for (const std::string& text : ports) {
    const auto port = parse_published_port(text);
    if (!port) return fail(ExitCode::usage, port.error().message);
    auto listener = forward(loop, *port, concat(vm_dir(name), '/', handoff_socket));
    if (!listener)
      return fail(ExitCode::port_in_use, concat("cannot forward to ", name, ": ", listener.error().message));
    listeners.push_back(std::move(*listener));
  }
  std::fflush(stdout);
  // Its events end when it does.
  const HttpFollow until_its_end(loop, concat(vm_dir(name), '/', runner_socket), events_from_now_on(),
                                 seconds(10),
                                 {.on_head = [](const wire::Response&, int) {},
                                  .on_body = [](std::string_view) {},
                                  .on_end = [&](const Error*) { loop.stop(); }});
  const loop::SignalWatcher interrupted(loop, SIGINT, [&] { loop.stop(); });
  const loop::SignalWatcher terminated(loop, SIGTERM, [&] { loop.stop(); });
  loop.run();
  return 0;
}

}  // namespace kestrel::hostd
