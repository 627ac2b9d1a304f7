#include <algorithm>

#include "hostd/daemon/api.h"
#include "kestrel/base/text.h"

namespace kestrel::hostd {

namespace {

constexpr std::size_t at_a_time = 256;

enum class EventForm { ndjson, sse };
enum class Following { until_now, on };

std::string to_text(const StoredEvent& event, EventForm form) {
  if (form == EventForm::ndjson) return concat(event.json, '\n');
  return concat("id: ", event.seq, "\ndata: ", event.json, "\n\n");
}

/// Events as their reader takes them: its place in the list is all that is kept of it.
class EventBody final : public BodySource {
 public:
  EventBody(ApiContext& api, std::uint64_t after, EventFilter filter, EventForm form, Following following)
      : api_(api), after_(after), filter_(std::move(filter)), form_(form), following_(following) {}
  ~EventBody() override { api_.fleet.forget(listener_); }

  std::optional<std::string> read_some() override {
    const auto range = api_.registry.event_range();
    if (!range) return std::nullopt;
    std::string text = tell_gap(*range);
    auto events = api_.registry.events(after_, filter_, at_a_time);
    if (!events) return std::nullopt;
    for (const StoredEvent& event : *events) {
      text += to_text(event, form_);
      after_ = event.seq;
    }
    // What is not wanted has been passed over, too.
    if (events->size() < at_a_time) after_ = std::max(after_, range->last);
    if (text.empty() && following_ == Following::until_now) return std::nullopt;
    return text;
  }

  void on_more(std::function<void()> wake) override {
    if (following_ == Following::until_now) return;
    listener_ = api_.fleet.on_events(std::move(wake));
  }

 private:
  /// What is no longer kept of what was asked for.
  std::string tell_gap(const Registry::EventRange& range) {
    if (range.first == 0 || after_ + 1 >= range.first) return {};
    const StoredEvent gap{range.first - 1,
                          concat("{\"gap\":{\"first\":", after_ + 1, ",\"last\":", range.first - 1, "}}")};
    after_ = gap.seq;
    return to_text(gap, form_);
  }

  ApiContext& api_;
  std::uint64_t after_;
  EventFilter filter_;
  EventForm form_;
  Following following_;
  Fleet::ListenerId listener_ = 0;
};

/// `vms`, `services` or `deployments`; nullopt: it is none of them.
std::optional<std::string> prefix_of(std::string_view kind) {
  if (kind == "vms") return "vm.";
  if (kind == "services") return "service.";
  if (kind == "deployments") return "deployment.";
  return std::nullopt;
}

/// `after`, else what a browser says that comes back to a stream; nullopt: from the oldest.
Result<std::optional<std::uint64_t>> place_of(const ApiCall& call, std::uint64_t last) {
  auto text = call.target.find("after");
  if (!text) text = wire::find_header(call.request.headers, "Last-Event-ID");
  if (!text) return std::optional<std::uint64_t>();
  const auto number = parse_integer(*text);
  if (!number || *number < 0) return Error{concat("`after` is no event's number: `", printable(*text), '`')};
  const auto after = static_cast<std::uint64_t>(*number);
  if (after > last) return Error{concat("after=", after, " is beyond the last event, ", last)};
  return std::optional(after);
}

}  // namespace

void list_events(const ApiCall& call) {
  const auto range = call.api.registry.event_range();
  if (!range) return call.refuse(range.error());
  const auto place = place_of(call, range->last);
  if (!place) return call.refuse(422, place.error().message);
  EventFilter filter;
  filter.vm = call.target.find("vm").value_or("");
  if (const auto kind = call.target.find("kind")) {
    const auto prefix = prefix_of(*kind);
    if (!prefix)
      return call.refuse(422, concat("there are no events of `", printable(*kind),
                                     "`: it is none of vms, services, deployments"));
    filter.prefix = *prefix;
  }
  // Who names no place has no gap before it.
  const std::uint64_t oldest = range->first > 0 ? range->first - 1 : 0;
  const auto accept = wire::find_header(call.request.headers, "Accept").value_or("");
  const auto form =
      accept.find("text/event-stream") != std::string_view::npos ? EventForm::sse : EventForm::ndjson;
  wire::Response head;
  head.headers.emplace_back("Content-Type",
                            form == EventForm::sse ? "text/event-stream" : "application/x-ndjson");
  head.headers.emplace_back("Cache-Control", "no-store");
  call.responder.stream(
      head, std::make_unique<EventBody>(call.api, place->value_or(oldest), filter, form,
                                        call.has_flag("follow") ? Following::on : Following::until_now));
}

}  // namespace kestrel::hostd
