#include "kestrel/app/echo.h"

#include <nlohmann/json.hpp>

#include "kestrel/base/overloaded.h"
#include "kestrel/base/text.h"
#include "kestrel/sys/clock.h"

namespace kestrel::app {

namespace {

constexpr control::ReadLimit piece{.lines = 1024, .bytes = 64 * 1024};
/// Others shall have their turn, too.
constexpr int pieces_at_once = 8;

}  // namespace

Echo::Echo(loop::Loop& loop, control::LogRing& ring, sys::LogFormat format)
    : ring_(&ring),
      format_(format),
      console_(loop, [this] { show(); }),
      timer_(loop, [this] { show(); }),
      follower_(ring.followers(), [this] { timer_.arm(Duration::zero()); }),
      cursor_(ring.cursor_at(0)) {
  show();
}

Echo::~Echo() {
  while (show_piece()) continue;
}

void Echo::show() {
  for (int i = 0; i < pieces_at_once; ++i) {
    if (!console_.has_room()) return;
    if (!show_piece()) return follower_.wait();
  }
  timer_.arm(Duration::zero());
}

bool Echo::show_piece() {
  if (console_.is_broken()) {
    cursor_.after = ring_->last_seq();
    ring_->take_through(cursor_.after);
    return false;
  }
  const auto items = ring_->read(cursor_, piece);
  if (items.empty()) return false;
  std::string text;
  for (const auto& item : items) text += text_of(item);
  console_.write(std::move(text));
  ring_->take_through(cursor_.after);
  return true;
}

std::string Echo::text_of(const control::LogItem& item) const {
  const auto dropped = [](const control::LogGap& gap) {
    return concat(gap.lines.value_or(0), " lines dropped: standard error is not read");
  };
  if (format_ == sys::LogFormat::text) {
    return std::visit(
        overloaded{[this](const control::LogRecord& record) {
                     return concat("[", ring_->name(record.source), "] ", record.line, '\n');
                   },
                   [&](const control::LogGap& gap) { return concat("(", dropped(gap), ")\n"); }},
        item);
  }
  const auto json = std::visit(overloaded{[this](const control::LogRecord& record) {
                                            return nlohmann::json{{"time", format_time(record.time)},
                                                                  {"service", ring_->name(record.source)},
                                                                  {"stream", name_of(record.stream)},
                                                                  {"line", record.line}};
                                          },
                                          [&](const control::LogGap& gap) {
                                            return nlohmann::json{{"time", format_time(sys::wall_now())},
                                                                  {"level", "warning"},
                                                                  {"message", dropped(gap)}};
                                          }},
                               item);
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
}

}  // namespace kestrel::app
