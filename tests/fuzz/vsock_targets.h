// Fuzz targets of the vsock device. Each takes any bytes and must neither crash nor hang nor touch what is
// not the guest's; sanitizers see the rest. vsock_messages.cc and vsock_rings.cc make libFuzzer programs of
// them, and the unit tests replay their corpora and some thousand mutations.
#pragma once

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <span>

#include "hostd/vsock/vhost_session.h"
#include "hostd/vsock/vmm_channel.h"
#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::fuzz {

using Input = std::span<const std::uint8_t>;

/// Takes all there is from both rings and gives it back.
inline void exhaust_rings(VhostSession& session) {
  Chain chain;
  for (const auto index : {VhostSession::rx, VhostSession::tx}) {
    Virtqueue& queue = session.ring(index).queue;
    for (std::uint32_t i = 0; i < 256 && queue.take(chain) == Virtqueue::Taken::chain; ++i) {
      queue.give_back(chain.head, 1);
      static_cast<void>(queue.interrupt_wanted());
    }
    static_cast<void>(queue.want_kicks());
    queue.refuse_kicks();
  }
}

/// The input is what the front-end sends: bytes on its socket, the first of them with a few descriptors.
inline void fuzz_messages(Input input) {
  auto [ours, theirs] = test::socket_pair();
  VmmChannel channel(std::move(theirs));
  VhostSession session(42);
  static const test::GuestRam ram(1 << 20);
  while (!input.empty()) {
    // A byte tells how many bytes go out at once, and with how many descriptors: so messages come in pieces,
    // too.
    const std::size_t control = input.front();
    const Input part = input.subspan(1, std::min<std::size_t>(input.size() - 1, control & 0x3f));
    input = input.subspan(1 + part.size());
    if (part.empty()) continue;
    const int files[3] = {ram.file(), ram.file(), ram.file()};
    test::send_with_files(ours.get(), part, std::span(files).first(control >> 6));
    for (;;) {
      auto message = channel.receive();
      if (!message) return;
      if (!*message) break;
      static_cast<void>(session.handle(std::move(**message)));
      exhaust_rings(session);
    }
  }
}

/// The input is what the guest has written to its rings and packet buffers; then it kicks.
inline void fuzz_rings(Input input) {
  test::Vm vm;
  auto [id, host] = vm.open();
  if (input.empty()) return;
  // The first byte picks where the bytes go: the parts of either ring, or the packets behind good
  // descriptors.
  const std::uint8_t place = input.front();
  input = input.subspan(1);
  const std::string_view bytes(reinterpret_cast<const char*>(input.data()),
                               std::min<std::size_t>(input.size(), 4096));
  if (place % 4 == 3) {
    vm.ram.write_text(test::Vm::scratch, bytes);
    vm.tx.offer(1, {test::Vm::scratch, static_cast<std::uint32_t>(bytes.size()), 0, 0});
  } else {
    vm.ram.write_text((place & 1) != 0 ? 0x1000 : 0x20000, bytes);
    if ((place & 2) != 0) vm.tx.set_available_index(static_cast<std::uint16_t>(vm.tx.available_index() + 1));
  }
  test::write_host(host, "something for the guest");
  vm.kick(0);
  vm.kick(1);
  for (int i = 0; i < 4; ++i) vm.turn();
}

}  // namespace kestrel::hostd::vsock::fuzz
