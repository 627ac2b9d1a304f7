#include "kestrel/control/followers.h"

#include <utility>

namespace kestrel::control {

struct Follower::Place {
  Followers* list;
  std::function<void()> on_more;
  bool is_waiting = false;
};

Follower::Follower(Followers& list, std::function<void()> on_more)
    : place_(new Place{.list = &list, .on_more = std::move(on_more)}) {
  list.places_.push_back(place_.get());
}

void Follower::Leave::operator()(Place* place) const {
  if (place->is_waiting) --place->list->waiting_;
  std::erase(place->list->places_, place);
  delete place;
}

void Follower::wait() {
  if (std::exchange(place_->is_waiting, true)) return;
  ++place_->list->waiting_;
}

void Followers::wake_all() {
  waiting_ = 0;
  for (Follower::Place* place : places_) {
    if (std::exchange(place->is_waiting, false)) place->on_more();
  }
}

}  // namespace kestrel::control
