#include "hostd/vsock/drain.h"

#include <utility>

#include "hostd/vsock/host_io.h"

namespace kestrel::hostd::vsock {

Drain::Drain(loop::Loop& loop, sys::UniqueFd host, ByteQueue bytes, std::function<void(Drain&)> on_end)
    : host_(std::move(host)),
      bytes_(std::move(bytes)),
      on_end_(std::move(on_end)),
      watcher_(loop, host_.get(), [this](loop::Interest) { on_writable(); }) {
  watcher_.watch({.writable = true});
}

void Drain::on_writable() {
  while (!bytes_.is_empty()) {
    const auto front = bytes_.front();
    const iovec piece{const_cast<std::byte*>(front.data()), front.size()};
    const Transfer transfer = write_pieces(host_.get(), {&piece, 1});
    if (transfer.must_wait()) return;
    if (transfer.error != 0) break;
    bytes_.take(transfer.count);
  }
  watcher_.watch({});
  std::exchange(on_end_, {})(*this);
}

}  // namespace kestrel::hostd::vsock
