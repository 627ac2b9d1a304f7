// Who waits for more: readers that reached the end of a ring and want to be told, once, when it goes on.
//
// Telling costs the producer one comparison while nobody waits, and one call per waiting reader when somebody
// does; how much was added in the meantime the reader finds out by reading.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace kestrel::control {

class Followers;

/// One reader's place in the list. Destroying it leaves the list; the list must outlive it.
class Follower {
 public:
  Follower() = default;
  /// `on_more` is called from inside the producer: it may only note that there is more (arm a timer), never
  /// read, add, or join and leave the list.
  Follower(Followers& list, std::function<void()> on_more);
  Follower(Follower&&) noexcept = default;
  Follower& operator=(Follower&&) noexcept = default;

  /// From now until `on_more` is called once.
  void wait();

 private:
  friend class Followers;
  struct Place;
  struct Leave {
    void operator()(Place* place) const;
  };
  std::unique_ptr<Place, Leave> place_;
};

class Followers {
 public:
  Followers() = default;
  Followers(const Followers&) = delete;
  Followers& operator=(const Followers&) = delete;

  void wake() {
    if (waiting_ > 0) wake_all();
  }

 private:
  friend class Follower;
  void wake_all();

  std::vector<Follower::Place*> places_;
  std::size_t waiting_ = 0;
};

}  // namespace kestrel::control
