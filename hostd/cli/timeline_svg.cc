#include <algorithm>
#include <cstdio>

#include "hostd/cli/timeline.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

// All in pixels.
constexpr std::int64_t plot_width = 1000, left = 20, top = 60, row_height = 20, label_room = 320,
                       legend_room = 60;

/// Fits for text and for attributes. Control characters are not XML (XML 1.0, 2.2).
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string time_text(std::int64_t us) {
  char text[32];
  if (us < 1'000'000) {
    std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(us) / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.3fs", static_cast<double>(us) / 1e6);
  }
  return text;
}

/// 1, 2 or 5 times a power of ten, of which at most twenty fit.
std::int64_t grid_of(std::int64_t end) {
  for (std::int64_t decade = 1;; decade *= 10) {
    for (const std::int64_t factor : {1, 2, 5}) {
      if (end / (factor * decade) <= 20) return factor * decade;
    }
  }
}

class Picture {
 public:
  explicit Picture(std::int64_t end) : end_(end) {}

  [[nodiscard]] std::int64_t x(std::int64_t us) const { return left + us * plot_width / end_; }

  void text(std::int64_t at_x, std::int64_t at_y, std::string_view kind, std::string_view words) {
    body_ +=
        concat("<text class=\"", kind, "\" x=\"", at_x, "\" y=\"", at_y, "\">", escaped(words), "</text>\n");
  }
  void box(std::string_view kind, std::int64_t from, std::int64_t to) {
    block(kind, x(from), y_, std::max<std::int64_t>(x(to) - x(from), 1));
  }
  void block(std::string_view kind, std::int64_t at_x, std::int64_t at_y, std::int64_t width) {
    body_ += concat("<rect class=\"", kind, "\" x=\"", at_x, "\" y=\"", at_y + 2, "\" width=\"", width,
                    "\" height=\"", row_height - 4, "\"/>\n");
  }
  void mark(std::int64_t us) {
    body_ += concat("<line class=\"mark\" x1=\"", x(us), "\" y1=\"", y_, "\" x2=\"", x(us), "\" y2=\"",
                    y_ + row_height, "\"/>\n");
  }
  /// Beside a bar that begins and ends there.
  void label(std::int64_t to, std::string_view words) {
    text(x(to) + 6, y_ + row_height - 6, "label", words);
  }
  void next_row() { y_ += row_height; }

  void grid(std::int64_t rows) {
    const std::int64_t step = grid_of(end_), bottom = top + rows * row_height;
    for (std::int64_t at = 0; at <= end_; at += step) {
      body_ += concat("<line class=\"grid\" x1=\"", x(at), "\" y1=\"", top, "\" x2=\"", x(at), "\" y2=\"",
                      bottom, "\"/>\n");
      text(x(at), top - 6, "axis", time_text(at));
    }
  }
  void legend() {
    y_ += row_height;
    std::int64_t at_x = left;
    for (const auto& [kind, words] :
         {std::pair("step", "step of the boot"), std::pair("waiting", "before its program runs"),
          std::pair("starting", "not yet ready"), std::pair("active", "ready")}) {
      block(kind, at_x, y_, row_height);
      text(at_x + row_height + 6, y_ + row_height - 6, "label", words);
      at_x += 220;
    }
    text(at_x, y_ + row_height - 6, "label", "| healthy");
  }
  [[nodiscard]] std::string document(std::int64_t rows) const {
    const std::int64_t width = left + plot_width + label_room, height = top + rows * row_height + legend_room;
    return concat(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"",
        width, "\" height=\"", height, "\" viewBox=\"0 0 ", width, ' ', height, "\">\n<style>\n", style,
        "</style>\n<rect class=\"paper\" width=\"", width, "\" height=\"", height, "\"/>\n", body_,
        "</svg>\n");
  }

 private:
  static constexpr std::string_view style =
      R"(text { font: 12px sans-serif; fill: #222 }
.title { font-size: 16px }
.axis { font-size: 10px; fill: #777 }
.paper { fill: #fff }
.grid { stroke: #ddd }
.mark { stroke: #000; stroke-width: 2 }
.step { fill: #8ab }
.waiting { fill: #ddd }
.starting { fill: #e96 }
.active { fill: #7b7 }
)";

  std::int64_t end_;
  std::int64_t y_ = top;
  std::string body_;
};

void draw_steps(Picture& picture, const BootTimeline& timeline) {
  std::int64_t before = 0;
  for (const auto& step : timeline.steps) {
    picture.box("step", before, step.at_us);
    picture.label(step.at_us, concat(step.name, " (", time_text(step.at_us - before), ')'));
    picture.next_row();
    before = step.at_us;
  }
}

void draw_service(Picture& picture, const BootTimeline::Service& service, std::int64_t end) {
  const std::int64_t last = service.completed_us.value_or(end);
  const std::int64_t started = service.started_us.value_or(last);
  const std::int64_t ready = std::min(service.ready_us.value_or(last), last);
  picture.box("waiting", service.starting_us, started);
  if (service.started_us) picture.box("starting", started, ready);
  if (service.ready_us || service.completed_us) picture.box("active", ready, last);
  if (service.healthy_us) picture.mark(*service.healthy_us);
  const auto done = service.completed_us ? service.completed_us : service.ready_us;
  picture.label(
      last, done ? concat(service.name, " (", time_text(*done - service.starting_us), ')') : service.name);
  picture.next_row();
}

}  // namespace

std::string timeline_svg(const BootTimeline& timeline, std::string_view title) {
  const std::int64_t end = end_of(timeline);
  const auto rows = static_cast<std::int64_t>(timeline.steps.size() + timeline.services.size());
  Picture picture(end);
  picture.text(left, top / 2, "title", concat(title, ": ", time_text(end)));
  picture.grid(rows);
  draw_steps(picture, timeline);
  for (const auto& service : timeline.services) draw_service(picture, service, end);
  picture.legend();
  return picture.document(rows);
}

}  // namespace kestrel::hostd
