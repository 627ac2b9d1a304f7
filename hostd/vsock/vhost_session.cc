#include "hostd/vsock/vhost_session.h"

#include <fcntl.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <utility>

#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

namespace {

// Feature bits: virtio 1.1 section 6, and the vhost-user specification's own bit 30. Without VERSION_1 and
// PROTOCOL_FEATURES QEMU 7.2 refuses the device; the other two save work.
constexpr std::uint64_t feature_indirect = 1ULL << 28;
constexpr std::uint64_t feature_event_index = 1ULL << 29;
constexpr std::uint64_t feature_protocol = 1ULL << 30;
constexpr std::uint64_t feature_version_1 = 1ULL << 32;
constexpr std::uint64_t offered_features =
    feature_indirect | feature_event_index | feature_protocol | feature_version_1;

// QEMU 7.2 needs CONFIG (the CID is read through it). CONFIGURE_MEM_SLOTS must not be offered without
// ADD_MEM_REG.
constexpr std::uint64_t protocol_reply_ack = 1ULL << 3;
constexpr std::uint64_t protocol_config = 1ULL << 9;
constexpr std::uint64_t offered_protocol_features = protocol_reply_ack | protocol_config;

Error malformed(Request request) {
  return {concat("cannot handle vhost-user request ", static_cast<std::uint32_t>(request), ": bad payload"),
          EINVAL};
}

}  // namespace

VhostSession::Outcome VhostSession::handle(Message message) {
  Outcome outcome;
  const MessageHeader header = message.header;
  const Result<void> done = dispatch(message, outcome);
  if (!done) outcome.complaint = done.error();
  // An acknowledgement is 0 for success; requests with an answer of their own get no second one.
  if (header.wants_reply && outcome.reply.empty()) outcome.reply = encode_reply(header.request, done ? 0 : 1);
  return outcome;
}

Result<void> VhostSession::dispatch(Message& message, Outcome& outcome) {
  const Request request = message.header.request;
  switch (request) {
    case Request::get_features:
      outcome.reply = encode_reply(request, offered_features);
      return {};
    case Request::get_protocol_features:
      outcome.reply = encode_reply(request, offered_protocol_features);
      return {};
    case Request::get_queue_num:
      outcome.reply = encode_reply(request, ring_count);
      return {};
    case Request::set_features:
      return set_features(message);
    case Request::set_mem_table:
      return set_memory(message, outcome);
    case Request::set_vring_num:
      return set_ring_size(message);
    case Request::set_vring_base:
      return set_ring_base(message);
    case Request::set_vring_addr:
      return set_ring_addresses(message, outcome);
    case Request::set_vring_kick:
    case Request::set_vring_call:
      return set_ring_file(message, outcome);
    case Request::set_vring_enable:
      return enable_ring(message, outcome);
    case Request::get_vring_base:
      return stop_ring(message, outcome);
    case Request::get_config:
      return read_config(message, outcome);
    // Nothing to do: one front-end, no error reporting, and a configuration the driver cannot write.
    case Request::set_owner:
    case Request::reset_owner:
    case Request::set_protocol_features:
    case Request::set_vring_err:
    case Request::set_config:
      return {};
  }
  return Error{concat("cannot handle vhost-user request ", static_cast<std::uint32_t>(request), ": unknown"),
               ENOTSUP};
}

Result<void> VhostSession::set_features(const Message& message) {
  const auto features = decode_number(message.payload);
  if (!features) return malformed(message.header.request);
  features_ = *features & offered_features;
  return {};
}

Result<void> VhostSession::set_memory(Message& message, Outcome& outcome) {
  const auto regions = decode_memory_table(message.payload);
  if (!regions) return malformed(message.header.request);
  auto memory = GuestMemory::map(*regions, message.files);
  if (!memory) return memory.error();
  // The new table is mapped before the old one goes, and rings that run go on in it.
  const auto old = std::exchange(memory_, std::make_unique<GuestMemory>(std::move(*memory)));
  Result<void> all;
  for (Vring& ring : rings_) {
    if (!ring.addresses) continue;
    outcome.rings_changed = true;
    const bool is_broken = !ring.queue.is_usable();
    const std::uint16_t next = ring.queue.next_available();
    ring.queue = Virtqueue();
    if (is_broken) continue;
    if (Result<void> done = set_up_queue(ring, next); !done) all = done;
  }
  return all;
}

Result<Vring*> VhostSession::ring_at(std::uint32_t index) {
  if (index >= ring_count)
    return Error{concat("cannot set up ring ", index, ": this device has two"), EINVAL};
  return &rings_[index];
}

Result<void> VhostSession::set_ring_size(const Message& message) {
  const auto state = decode_vring_state(message.payload);
  if (!state) return malformed(message.header.request);
  const auto ring = ring_at(state->index);
  if (!ring) return ring.error();
  if (state->number > Virtqueue::max_size || !std::has_single_bit(state->number)) {
    return Error{concat("cannot set up ring ", state->index, ": its size is ", state->number), EINVAL};
  }
  (*ring)->size = state->number;
  return {};
}

Result<void> VhostSession::set_ring_base(const Message& message) {
  const auto state = decode_vring_state(message.payload);
  if (!state) return malformed(message.header.request);
  const auto ring = ring_at(state->index);
  if (!ring) return ring.error();
  if (state->number > 0xffff) {
    return Error{concat("cannot set up ring ", state->index, ": its base is ", state->number), EINVAL};
  }
  (*ring)->base = static_cast<std::uint16_t>(state->number);
  return {};
}

Result<void> VhostSession::set_ring_addresses(const Message& message, Outcome& outcome) {
  const auto vring = decode_vring_addresses(message.payload);
  if (!vring) return malformed(message.header.request);
  const auto ring = ring_at(vring->index);
  if (!ring) return ring.error();
  (*ring)->addresses = vring->addresses;
  outcome.rings_changed = true;
  if (Result<void> done = set_up_queue(**ring, (*ring)->base); !done) return done;
  // A resumed guest's indices are 0 only if they wrapped there exactly at the pause, once in 65,536 pauses.
  outcome.restarted_guest = vring->index == rx && (*ring)->base == 0 && (*ring)->queue.used_index() == 0;
  return {};
}

Result<void> VhostSession::set_up_queue(Vring& ring, std::uint16_t next) {
  const QueueFeatures features{.indirect = (features_ & feature_indirect) != 0,
                               .event_index = (features_ & feature_event_index) != 0};
  ring.queue = Virtqueue();
  auto queue = Virtqueue::create(*memory_, *ring.addresses, ring.size, next, features);
  if (!queue) return queue.error();
  ring.queue = std::move(*queue);
  return {};
}

Result<void> VhostSession::set_ring_file(Message& message, Outcome& outcome) {
  const auto file = decode_vring_file(message.payload);
  if (!file) return malformed(message.header.request);
  const auto ring = ring_at(file->index);
  if (!ring) return ring.error();
  if (file->has_file != (message.files.size() == 1)) return malformed(message.header.request);
  sys::UniqueFd taken = file->has_file ? std::move(message.files.front()) : sys::UniqueFd();
  if (taken.is_open()) ::fcntl(taken.get(), F_SETFL, ::fcntl(taken.get(), F_GETFL) | O_NONBLOCK);
  outcome.rings_changed = true;
  if (message.header.request == Request::set_vring_call) {
    (*ring)->call = std::move(taken);
    return {};
  }
  // "No descriptor" asks for polling, which this device does not do.
  if (!taken.is_open()) return Error{"cannot start a ring: it has no kick descriptor", ENOTSUP};
  outcome.retired_kick = std::exchange((*ring)->kick, std::move(taken));
  (*ring)->is_started = true;
  // Where the front-end did not ask for protocol features there is no SET_VRING_ENABLE, and rings start
  // enabled.
  if ((features_ & feature_protocol) == 0) (*ring)->is_enabled = true;
  return {};
}

Result<void> VhostSession::enable_ring(const Message& message, Outcome& outcome) {
  const auto state = decode_vring_state(message.payload);
  if (!state) return malformed(message.header.request);
  const auto ring = ring_at(state->index);
  if (!ring) return ring.error();
  (*ring)->is_enabled = state->number != 0;
  outcome.rings_changed = true;
  return {};
}

Result<void> VhostSession::stop_ring(const Message& message, Outcome& outcome) {
  const auto state = decode_vring_state(message.payload);
  if (!state) return malformed(message.header.request);
  const auto ring = ring_at(state->index);
  // The front-end waits for this answer in any case.
  if (!ring) {
    outcome.reply = encode_reply(message.header.request, encode_vring_state({state->index, 0}));
    return ring.error();
  }
  Vring& stopped = **ring;
  if (stopped.queue.is_set_up()) stopped.base = stopped.queue.next_available();
  outcome.reply = encode_reply(message.header.request, encode_vring_state({state->index, stopped.base}));
  stopped.is_started = false;
  outcome.retired_kick = std::move(stopped.kick);
  stopped.queue = Virtqueue();
  stopped.addresses.reset();
  outcome.rings_changed = true;
  return {};
}

Result<void> VhostSession::read_config(const Message& message, Outcome& outcome) const {
  const auto range = decode_config_range(message.payload);
  if (!range) return malformed(message.header.request);
  // The configuration space is the guest's CID (virtio 1.1 section 5.10.4). An answer without payload means a
  // failure.
  std::string space(reinterpret_cast<const char*>(&cid_), sizeof cid_);
  if (range->offset > space.size() || range->size > space.size() - range->offset) {
    outcome.reply = encode_reply(message.header.request, std::string_view());
    return malformed(message.header.request);
  }
  const auto* header = reinterpret_cast<const char*>(message.payload.data());
  std::string answer(header, config_range_size);
  answer += space.substr(range->offset, range->size);
  outcome.reply = encode_reply(message.header.request, answer);
  return {};
}

}  // namespace kestrel::hostd::vsock
