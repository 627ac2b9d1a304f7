#include "hostd/vsock/virtqueue.h"

#include <catch2/catch.hpp>

#include "tests/unit/hostd/vsock/driver_ring.h"

namespace kestrel::hostd::vsock::test {

namespace {

/// A ring of 8 and the device's view of it.
struct Ring {
  GuestRam ram{1 << 20};
  GuestMemory memory = ram.map();
  DriverRing driver{ram, 0x1000, 8};
  Virtqueue queue;
  Chain chain;

  explicit Ring(QueueFeatures features = {.indirect = true, .event_index = true}, std::uint16_t start = 0) {
    driver.set_available_index(start);
    driver.set_used_index(start);
    queue = std::move(*Virtqueue::create(memory, driver.addresses(), 8, start, features));
  }
  bool take() { return queue.take(chain) == Virtqueue::Taken::chain; }
  void offer(std::uint16_t index) { driver.offer(index, {0x8000, 16, 0, 0}); }
};

}  // namespace

TEST_CASE("chains are taken in order and given back with what was written", "[vsock]") {
  Ring ring;
  ring.driver.offer(3, {0x8000, 16, 0, 0});
  ring.driver.offer_chain(5, {{0x9000, 4, 0, 0}, {0xa000, 8, Descriptor::is_writable, 0}});
  REQUIRE(ring.take());
  CHECK(ring.chain.head == 3);
  CHECK(ring.chain.readable.size() == 1);
  CHECK(ring.chain.readable[0].iov_len == 16);
  CHECK(ring.chain.writable.empty());
  REQUIRE(ring.take());
  CHECK(ring.chain.head == 5);
  CHECK(total_size(ring.chain.readable) == 4);
  CHECK(total_size(ring.chain.writable) == 8);
  CHECK_FALSE(ring.take());
  CHECK(ring.queue.is_usable());
  ring.queue.give_back(5, 8);
  ring.queue.give_back(3, 0);
  const auto first = ring.driver.next_used();
  const auto second = ring.driver.next_used();
  REQUIRE((first && second));
  CHECK(first->head == 5);
  CHECK(first->written == 8);
  CHECK(second->head == 3);
  CHECK_FALSE(ring.driver.next_used());
}

TEST_CASE("a chain that was put back comes again", "[vsock]") {
  Ring ring;
  ring.offer(1);
  ring.offer(2);
  REQUIRE(ring.take());
  ring.queue.put_back();
  REQUIRE(ring.take());
  CHECK(ring.chain.head == 1);
  REQUIRE(ring.take());
  CHECK(ring.chain.head == 2);
}

TEST_CASE("indices wrap at 65,536", "[vsock]") {
  Ring ring({.indirect = false, .event_index = true}, 0xfffc);
  for (int i = 0; i < 20; ++i) {
    ring.driver.set_interrupt_event(ring.driver.used_index());
    ring.offer(static_cast<std::uint16_t>(i % 8));
    REQUIRE(ring.take());
    ring.queue.give_back(ring.chain.head, 0);
    CHECK(ring.queue.interrupt_wanted());
    CHECK(ring.driver.next_used());
  }
  CHECK(ring.queue.next_available() == 16);
}

TEST_CASE("with event indices the guest is interrupted only when its index is passed", "[vsock]") {
  Ring ring;
  for (std::uint16_t i = 0; i < 4; ++i) ring.offer(i);
  ring.driver.set_interrupt_event(1);  // wants to know of the second
  REQUIRE(ring.take());
  ring.queue.give_back(0, 0);
  CHECK_FALSE(ring.queue.interrupt_wanted());
  REQUIRE(ring.take());
  ring.queue.give_back(1, 0);
  CHECK(ring.queue.interrupt_wanted());
  CHECK_FALSE(ring.queue.interrupt_wanted());  // once
  REQUIRE(ring.take());
  ring.queue.give_back(2, 0);
  CHECK_FALSE(ring.queue.interrupt_wanted());
}

TEST_CASE("several chains given back at once pass an index among them", "[vsock]") {
  Ring ring;
  for (std::uint16_t i = 0; i < 4; ++i) ring.offer(i);
  ring.driver.set_interrupt_event(1);
  for (std::uint16_t i = 0; i < 4; ++i) {
    REQUIRE(ring.take());
    ring.queue.give_back(i, 0);
  }
  CHECK(ring.queue.interrupt_wanted());
}

TEST_CASE("without event indices the guest's flag decides about interrupts", "[vsock]") {
  Ring ring({.indirect = false, .event_index = false});
  ring.offer(0);
  ring.offer(1);
  REQUIRE(ring.take());
  ring.queue.give_back(0, 0);
  CHECK(ring.queue.interrupt_wanted());
  ring.driver.set_interrupt_flag(1);
  REQUIRE(ring.take());
  ring.queue.give_back(1, 0);
  CHECK_FALSE(ring.queue.interrupt_wanted());
}

TEST_CASE("the guest is asked to kick for the next chain, with an index or with a flag", "[vsock]") {
  Ring with_index;
  with_index.offer(0);
  REQUIRE(with_index.take());
  CHECK_FALSE(with_index.queue.want_kicks());
  CHECK(with_index.driver.kick_event() == 1);

  Ring with_flag({.indirect = false, .event_index = false});
  with_flag.queue.refuse_kicks();
  CHECK(with_flag.driver.kick_flag() == 1);
  CHECK_FALSE(with_flag.queue.want_kicks());
  CHECK(with_flag.driver.kick_flag() == 0);
}

TEST_CASE("a chain that came before the wish for kicks was seen is told", "[vsock]") {
  Ring ring;
  CHECK_FALSE(ring.take());
  ring.offer(0);
  CHECK(ring.queue.want_kicks());
}

TEST_CASE("a queue that is broken stays so, and touches nothing any more", "[vsock]") {
  Ring ring;
  ring.driver.make_available(8);
  CHECK_FALSE(ring.take());
  CHECK_FALSE(ring.queue.is_usable());
  CHECK_FALSE(ring.queue.fault().empty());
  ring.offer(0);
  CHECK_FALSE(ring.take());
  ring.queue.give_back(0, 0);
  CHECK_FALSE(ring.driver.next_used());
  CHECK_FALSE(ring.queue.want_kicks());
  CHECK_FALSE(ring.queue.interrupt_wanted());
}

TEST_CASE("a chain as long as the queue is allowed, a longer one is not", "[vsock]") {
  Ring ring;
  ring.driver.offer_chain(0, std::vector<Descriptor>(8, {0x8000, 1, 0, 0}));
  REQUIRE(ring.take());
  CHECK(ring.chain.readable.size() == 8);
  for (std::uint16_t i = 0; i < 9; ++i) {
    const bool is_last = i == 8;
    ring.ram.write(0x8000 + 16ULL * i,
                   Descriptor{0x9000, 1, is_last ? std::uint16_t{0} : Descriptor::has_next,
                              static_cast<std::uint16_t>(i + 1)});
  }
  ring.driver.offer(0, {0x8000, 16 * 9, Descriptor::is_indirect, 0});
  CHECK_FALSE(ring.take());
  CHECK_FALSE(ring.queue.is_usable());
}

TEST_CASE("a queue that was never set up gives nothing", "[vsock]") {
  Virtqueue queue;
  Chain chain;
  CHECK(queue.take(chain) == Virtqueue::Taken::nothing);
  CHECK_FALSE(queue.want_kicks());
  CHECK_FALSE(queue.interrupt_wanted());
  queue.refuse_kicks();
  queue.give_back(0, 0);
}

}  // namespace kestrel::hostd::vsock::test
