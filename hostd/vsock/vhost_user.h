// The messages of the vhost-user protocol that a vsock device gets, as values (QEMU's
// docs/interop/vhost-user.rst).
//
// A message is a 12-byte header (request, flags, payload size; little-endian here, the protocol's is the
// host's order) and a payload whose form the request decides. Descriptors travel beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "hostd/vsock/guest_memory.h"
#include "hostd/vsock/virtqueue.h"
#include "kestrel/base/result.h"

namespace kestrel::hostd::vsock {

enum class Request : std::uint32_t {
  get_features = 1,
  set_features = 2,
  set_owner = 3,
  reset_owner = 4,
  set_mem_table = 5,
  set_vring_num = 8,
  set_vring_addr = 9,
  set_vring_base = 10,
  get_vring_base = 11,
  set_vring_kick = 12,
  set_vring_call = 13,
  set_vring_err = 14,
  get_protocol_features = 15,
  set_protocol_features = 16,
  get_queue_num = 17,
  set_vring_enable = 18,
  get_config = 24,
  set_config = 25,
};

inline constexpr std::size_t message_header_size = 12;
/// The longest payload here is GET_CONFIG's: 12 bytes and 256 of configuration; a memory table is 8 + 8 x 32.
inline constexpr std::size_t max_message_payload = 512;
/// A memory table has at most 8 regions, each with a descriptor.
inline constexpr std::size_t max_message_files = 8;

struct MessageHeader {
  Request request{};
  bool wants_reply =
      false;  ///< an acknowledgement, even where the request has no answer of its own (REPLY_ACK)
  std::uint32_t payload_size = 0;
};

/// An error if it is not a version 1 request, or larger than any that exists.
[[nodiscard]] Result<MessageHeader> decode_message_header(
    std::span<const std::byte, message_header_size> bytes);

/// A whole answer to `request`.
[[nodiscard]] std::string encode_reply(Request request, std::string_view payload);
[[nodiscard]] std::string encode_reply(Request request, std::uint64_t number);

using Payload = std::span<const std::byte>;

/// nullopt from each of these: the payload is too short for what it should be.
[[nodiscard]] std::optional<std::uint64_t> decode_number(Payload payload);

struct VringState {
  std::uint32_t index = 0;
  std::uint32_t number = 0;
};
[[nodiscard]] std::optional<VringState> decode_vring_state(Payload payload);
[[nodiscard]] std::string encode_vring_state(VringState state);

struct VringAddresses {
  std::uint32_t index = 0;
  QueueAddresses addresses;
};
[[nodiscard]] std::optional<VringAddresses> decode_vring_addresses(Payload payload);

/// Of SET_VRING_KICK, _CALL and _ERR.
struct VringFile {
  std::uint32_t index = 0;
  bool has_file = false;
};
[[nodiscard]] std::optional<VringFile> decode_vring_file(Payload payload);

[[nodiscard]] std::optional<std::vector<MemoryRegion>> decode_memory_table(Payload payload);

/// Of GET_CONFIG: which part of the device's configuration space.
struct ConfigRange {
  std::uint32_t offset = 0;
  std::uint32_t size = 0;
  std::uint32_t flags = 0;
};
inline constexpr std::size_t config_range_size = 12;
[[nodiscard]] std::optional<ConfigRange> decode_config_range(Payload payload);

}  // namespace kestrel::hostd::vsock
