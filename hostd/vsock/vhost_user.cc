#include "hostd/vsock/vhost_user.h"

#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::hostd::vsock {

namespace {

// The header's flags: two bits of version, then reply and need_reply.
constexpr std::uint32_t version_mask = 3;
constexpr std::uint32_t version = 1;
constexpr std::uint32_t is_reply = 4;
constexpr std::uint32_t needs_reply = 8;

// SET_VRING_KICK and its like: the ring's index, and whether no descriptor comes along.
constexpr std::uint64_t file_index_mask = 0xff;
constexpr std::uint64_t no_file = 0x100;

/// Reads integers one after another; `at` may run past the end only by a failed read.
class Reader {
 public:
  explicit Reader(Payload payload) : rest_(payload) {}

  template <typename T>
  bool read(T& number) {
    if (rest_.size() < sizeof number) return false;
    std::memcpy(&number, rest_.data(), sizeof number);
    rest_ = rest_.subspan(sizeof number);
    return true;
  }

 private:
  Payload rest_;
};

template <typename... Numbers>
std::string packed(Numbers... numbers) {
  std::string out;
  (out.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return out;
}

}  // namespace

Result<MessageHeader> decode_message_header(std::span<const std::byte, message_header_size> bytes) {
  Reader reader(bytes);
  std::uint32_t request = 0;
  std::uint32_t flags = 0;
  MessageHeader header;
  reader.read(request);
  reader.read(flags);
  reader.read(header.payload_size);
  if ((flags & version_mask) != version || (flags & is_reply) != 0) {
    return Error{concat("cannot read a vhost-user message: its flags are ", flags), EPROTO};
  }
  if (header.payload_size > max_message_payload) {
    return Error{concat("cannot read a vhost-user message: it has ", header.payload_size, " bytes"),
                 EMSGSIZE};
  }
  header.request = static_cast<Request>(request);
  header.wants_reply = (flags & needs_reply) != 0;
  return header;
}

std::string encode_reply(Request request, std::string_view payload) {
  std::string out = packed(static_cast<std::uint32_t>(request), version | is_reply,
                           static_cast<std::uint32_t>(payload.size()));
  return out.append(payload);
}

std::string encode_reply(Request request, std::uint64_t number) {
  return encode_reply(request, packed(number));
}

std::optional<std::uint64_t> decode_number(Payload payload) {
  std::uint64_t number = 0;
  return Reader(payload).read(number) ? std::optional(number) : std::nullopt;
}

std::optional<VringState> decode_vring_state(Payload payload) {
  Reader reader(payload);
  VringState state;
  if (!reader.read(state.index) || !reader.read(state.number)) return std::nullopt;
  return state;
}

std::string encode_vring_state(VringState state) { return packed(state.index, state.number); }

std::optional<VringAddresses> decode_vring_addresses(Payload payload) {
  Reader reader(payload);
  VringAddresses vring;
  std::uint32_t flags = 0;  // only about dirty logging, which this device does not offer
  QueueAddresses& to = vring.addresses;
  const bool is_whole = reader.read(vring.index) && reader.read(flags) && reader.read(to.descriptors) &&
                        reader.read(to.used) && reader.read(to.available);
  return is_whole ? std::optional(vring) : std::nullopt;
}

std::optional<VringFile> decode_vring_file(Payload payload) {
  const auto number = decode_number(payload);
  if (!number) return std::nullopt;
  return VringFile{static_cast<std::uint32_t>(*number & file_index_mask), (*number & no_file) == 0};
}

std::optional<std::vector<MemoryRegion>> decode_memory_table(Payload payload) {
  Reader reader(payload);
  std::uint32_t count = 0;
  std::uint32_t padding = 0;
  if (!reader.read(count) || !reader.read(padding) || count > max_message_files) return std::nullopt;
  std::vector<MemoryRegion> regions(count);
  for (MemoryRegion& region : regions) {
    if (!reader.read(region.guest_address) || !reader.read(region.size) ||
        !reader.read(region.user_address) || !reader.read(region.file_offset)) {
      return std::nullopt;
    }
  }
  return regions;
}

std::optional<ConfigRange> decode_config_range(Payload payload) {
  Reader reader(payload);
  ConfigRange range;
  if (!reader.read(range.offset) || !reader.read(range.size) || !reader.read(range.flags))
    return std::nullopt;
  return range;
}

}  // namespace kestrel::hostd::vsock
