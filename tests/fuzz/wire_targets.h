// Fuzz targets of what is read off connections: HTTP, the frames of streams, the lines of the link, and what
// is asked of an exec. Each takes any bytes and must neither crash nor keep more than came in; what it
// accepts must mean the same when it is written and read again. <target>.cc makes a libFuzzer program of
// each; the unit tests replay their corpora.
#pragma once

#include <string>
#include <vector>

#include "kestrel/wire/exec_messages.h"
#include "kestrel/wire/http.h"
#include "kestrel/wire/link_messages.h"
#include "kestrel/wire/stream_frames.h"
#include "tests/fuzz/pieces.h"

namespace kestrel::wire::fuzz {

using kestrel::fuzz::Input;
using kestrel::fuzz::never;
using kestrel::fuzz::Pieces;

inline void check(const Request& request) {
  const auto target = parse_target(request.target);
  if (!target) return;
  std::string again = percent_encode(target->path);
  for (const char* mark = "?"; const auto& [name, value] : target->query) {
    again += mark + percent_encode(name) + "=" + percent_encode(value);
    mark = "&";
  }
  const auto same = parse_target(again);
  never(!same || same->path != target->path || same->query != target->query);
}
inline void check(const Response& response) {
  static_cast<void>(read_exec_failure(response));
  never(response.status < 0 || response.status > 999);
}

/// All messages of one connection; some requests' bodies are taken in pieces.
template <typename Message>
void fuzz_messages(Input input) {
  constexpr Bytes limit = kibibytes(4);
  MessageReader<Message> reader(limit, [](std::string_view method, std::string_view) {
    return method == "PUT" ? std::optional(BodyRule{endless_body, BodyRule::Delivery::in_pieces})
                           : std::nullopt;
  });
  std::size_t taken = 0;
  const auto take_body = [&](std::string_view& bytes) {
    while (reader.is_in_body()) {
      const auto piece = reader.feed_body(bytes);
      if (!piece || piece->empty()) return;
      taken += piece->size();
    }
  };
  Pieces pieces(input);
  while (!pieces.rest.empty()) {
    std::string_view piece = pieces.next();
    if (reader.is_in_body()) {
      take_body(piece);
      if (reader.is_in_body()) continue;
    }
    for (auto fed = reader.feed(piece); fed && *fed; fed = reader.feed({})) {
      const Message& message = **fed;
      taken += message.body.size();
      never(message.body.size() > limit.count);
      check(message);
      std::string_view nothing;
      take_body(nothing);
      if (reader.is_in_body()) break;
    }
  }
  if (const auto last = reader.finish(); last && *last) check(**last);
  never(taken > input.size());
}

inline void fuzz_requests(Input input) { fuzz_messages<Request>(input); }

inline void fuzz_responses(Input input) {
  fuzz_messages<Response>(input);
  StreamedResponseReader reader;
  std::size_t taken = 0;
  for (Pieces pieces(input); !pieces.rest.empty() && !reader.is_done();) {
    const auto body = reader.feed(pieces.next());
    if (!body) return;
    taken += body->size();
  }
  static_cast<void>(reader.finish());
  never(taken > input.size());
}

inline void check(const Frame& frame) {
  never(frame.payload.size() > longest_payload);
  if (!is_data(frame.type)) never(frame.payload.size() > longest_control_payload);
  if (const auto exit = parse_exec_exit(frame.payload)) never(*parse_exec_exit(to_json(*exit)) != *exit);
  if (const auto size = parse_terminal_size(frame.payload))
    never(*parse_terminal_size(to_json(*size)) != *size);
  if (const auto signal = parse_signal_json(frame.payload))
    never(*parse_signal_json(signal_json(*signal)) != *signal);
  if (const auto bytes = parse_window(frame.payload)) never(*parse_window(window_json(*bytes)) != *bytes);
  if (const auto gap = parse_gap(frame.payload)) never(*parse_gap(to_json(*gap)) != *gap);
  const auto message = parse_error_json(frame.payload);
  static_cast<void>(parse_error_json(error_json(message)));
}

inline void fuzz_frames(Input input) {
  FrameReader reader;
  std::size_t data = 0;
  for (Pieces pieces(input); !pieces.rest.empty();) {
    std::string_view piece = pieces.next();
    for (;;) {
      const auto frame = reader.next(piece);
      if (!frame) return;
      if (!*frame) break;
      check(**frame);
      data += (*frame)->payload.size();
    }
    never(!piece.empty());
  }
  never(data > input.size());
}

inline void fuzz_link(Input input) {
  LineReader reader(4096);
  for (Pieces pieces(input); !pieces.rest.empty();) {
    const auto lines = reader.feed(pieces.next());
    if (!lines) return;
    for (const std::string& line : *lines) {
      if (const auto guest = decode_guest_message(line); guest && *guest)
        never(decode_guest_message(encode(**guest)).value() != *guest);
      if (const auto host = decode_host_message(line); host && *host)
        never(decode_host_message(encode(**host)).value() != *host);
    }
  }
}

inline void fuzz_exec_request(Input input) {
  const auto request = parse_exec_request({reinterpret_cast<const char*>(input.data()), input.size()});
  if (!request) return;
  const auto again = parse_exec_request(to_json(*request));
  never(!again || !(*again == *request));
}

}  // namespace kestrel::wire::fuzz
