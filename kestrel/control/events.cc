#include "kestrel/base/text.h"
#include "kestrel/control/json.h"
#include "kestrel/control/query.h"
#include "kestrel/control/resources.h"

namespace kestrel::control {

namespace {

constexpr std::size_t piece = 64;

class EventBody : public BodySource {
 public:
  EventBody(EventJournal& journal, std::uint64_t after, bool is_following)
      : journal_(&journal), after_(after), is_following_(is_following) {}

  State produce(BodyPiece& out) override {
    const EventBatch batch = journal_->read(after_, piece);
    if (batch.gap) {
      out.made += gap_json(batch.gap->first, batch.gap->last) + '\n';
      after_ = batch.gap->last;
    }
    for (const EventRecord& record : batch.records) {
      out.made += event_json(record) + '\n';
      after_ = record.seq;
    }
    if (after_ < journal_->last_seq()) return State::more;
    return is_following_ ? State::waiting : State::finished;
  }
  Followers& followers() override { return journal_->followers(); }

 private:
  EventJournal* journal_;
  std::uint64_t after_;
  bool is_following_;
};

}  // namespace

Answer get_events(const Call& call) {
  EventJournal& journal = call.guest.events();
  const auto after = query_number(call.target, "after");
  if (!after) return wire::problem(400, after.error().message);
  if (*after > journal.last_seq()) {
    return wire::problem(400, concat("after=", **after, " is beyond the last event, ", journal.last_seq(),
                                     ": the numbers begin anew with every boot"));
  }
  const Result<bool> is_following = query_flag(call.target, "follow");
  if (!is_following) return wire::problem(400, is_following.error().message);
  return std::make_unique<EventBody>(journal, after->value_or(0), *is_following);
}

}  // namespace kestrel::control
