#include "kestrel/wire/stream_frames.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "kestrel/base/text.h"

namespace kestrel::wire {

namespace {

constexpr auto last_type = static_cast<std::uint8_t>(FrameType::window);

std::uint8_t byte_at(const std::array<char, frame_header_size>& header, std::size_t index) {
  return static_cast<std::uint8_t>(header[index]);
}

}  // namespace

void write_frame_header(char* at, FrameType type, std::uint8_t flags, std::size_t length) {
  at[0] = static_cast<char>(type);
  at[1] = static_cast<char>(flags);
  at[2] = at[3] = 0;
  for (int i = 0; i < 4; ++i) at[4 + i] = static_cast<char>(length >> (24 - 8 * i));
}

std::string encode_frame(FrameType type, std::string_view payload, std::uint8_t flags) {
  std::string out(frame_header_size, '\0');
  write_frame_header(out.data(), type, flags, payload.size());
  return out.append(payload);
}

Result<std::optional<Frame>> FrameReader::next(std::string_view& bytes) {
  while (!bytes.empty() || header_filled_ == frame_header_size) {
    if (header_filled_ < frame_header_size) {
      const auto has_header = take_header(bytes);
      if (!has_header) return has_header.error();
      if (!*has_header) return std::optional<Frame>();
    }
    const auto frame = take_payload(bytes);
    if (frame || bytes.empty()) return frame;
  }
  return std::optional<Frame>();
}

/// False when there is more of it to come.
Result<bool> FrameReader::take_header(std::string_view& bytes) {
  const auto count = std::min(frame_header_size - header_filled_, bytes.size());
  std::memcpy(header_.data() + header_filled_, bytes.data(), count);
  header_filled_ += count;
  bytes.remove_prefix(count);
  if (header_filled_ < frame_header_size) return false;
  if (byte_at(header_, 2) != 0 || byte_at(header_, 3) != 0)
    return Error{"cannot read a frame: its reserved bytes are not 0", EBADMSG};
  left_ = 0;
  for (std::size_t i = 4; i < frame_header_size; ++i) left_ = left_ << 8 | byte_at(header_, i);
  const auto type = byte_at(header_, 0);
  frame_ = {static_cast<FrameType>(type), byte_at(header_, 1), {}};
  is_skipped_ = type == 0 || type > last_type;
  const bool may_be_long = is_skipped_ || is_data(frame_.type);
  if (left_ > (may_be_long ? longest_payload : longest_control_payload))
    return Error{concat("cannot read a frame: its ", left_, " bytes are too many"), EMSGSIZE};
  control_.clear();
  return true;
}

std::optional<Frame> FrameReader::take_payload(std::string_view& bytes) {
  const auto piece = bytes.substr(0, left_);
  bytes.remove_prefix(piece.size());
  left_ -= piece.size();
  if (left_ == 0) header_filled_ = 0;
  if (is_skipped_) return std::nullopt;
  if (is_data(frame_.type)) {
    if (piece.empty()) return std::nullopt;
    return Frame{frame_.type, frame_.flags, piece};
  }
  control_.append(piece);
  if (left_ > 0) return std::nullopt;
  return Frame{frame_.type, frame_.flags, control_};
}

Keepalive::Due Keepalive::turn(MonotonicTime now) {
  if (now < next_) return Due::nothing;
  next_ = now + interval;
  return ++missed_ > misses ? Due::dead : Due::send;
}

}  // namespace kestrel::wire
