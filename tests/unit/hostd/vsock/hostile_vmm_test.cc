// What a front-end can say that QEMU never would: a message that makes no sense changes nothing, a stream
// that makes none ends the device.
#include <catch2/catch.hpp>
#include <filesystem>

#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

template <typename... Numbers>
std::string packed(Numbers... numbers) {
  std::string out;
  (out.append(reinterpret_cast<const char*>(&numbers), sizeof numbers), ...);
  return out;
}

/// The message is refused if an answer is asked for, and everything goes on.
void check_refused(Vm& vm, Request request, const std::string& payload, const std::vector<int>& files = {}) {
  CHECK(vm.ask(request, payload, files, true) == packed(std::uint64_t{1}));
  vm.reboot();
  CHECK_FALSE(vm.has_ended);
  CHECK(vm.is_sane());
}

std::ptrdiff_t open_descriptors() {
  return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {});
}

void check_ends(FrontEnd& vm) {
  CHECK(vm.run_until([&] { return vm.has_ended; }));
  CHECK_FALSE(vm.end_reason.empty());
}

std::string ring_addresses(std::uint32_t index, std::uint64_t descriptors, std::uint64_t used,
                           std::uint64_t available) {
  return packed(index, std::uint32_t{0}, descriptors, used, available, std::uint64_t{0});
}

}  // namespace

TEST_CASE("a ring outside of memory is refused", "[vsock][hostile]") {
  Vm vm;
  const std::uint64_t good = GuestRam::user_base;
  const std::uint64_t bad = GENERATE(0x1000, ~0xfULL, GuestRam::user_base + (16 << 20) - 16);
  check_refused(vm, Request::set_vring_addr, ring_addresses(0, bad, good, good));
  check_refused(vm, Request::set_vring_addr, ring_addresses(0, good, bad, good));
  check_refused(vm, Request::set_vring_addr, ring_addresses(1, good, good, bad));
}

TEST_CASE("a ring that is not aligned is refused", "[vsock][hostile]") {
  Vm vm;
  const std::uint64_t good = GuestRam::user_base;
  check_refused(vm, Request::set_vring_addr, ring_addresses(0, good + 8, good, good));
  check_refused(vm, Request::set_vring_addr, ring_addresses(0, good, good + 2, good));
  check_refused(vm, Request::set_vring_addr, ring_addresses(0, good, good, good + 1));
}

TEST_CASE("a ring size that is none is refused", "[vsock][hostile]") {
  Vm vm;
  const std::uint32_t size = GENERATE(0, 3, 65536, 0xffffffff);
  check_refused(vm, Request::set_vring_num, vring_state(0, size));
}

TEST_CASE("a ring base beyond 16 bits is refused", "[vsock][hostile]") {
  Vm vm;
  check_refused(vm, Request::set_vring_base, vring_state(0, 65536));
}

TEST_CASE("a ring that does not exist is refused", "[vsock][hostile]") {
  Vm vm;
  const std::uint32_t index = GENERATE(2, 255, 0xffffffff);
  check_refused(vm, Request::set_vring_num, vring_state(index, 64));
  check_refused(vm, Request::set_vring_base, vring_state(index, 0));
  check_refused(vm, Request::set_vring_enable, vring_state(index, 1));
  check_refused(vm, Request::set_vring_addr, ring_addresses(index, 0, 0, 0));
  CHECK(vm.ask(Request::get_vring_base, vring_state(index, 0)) == vring_state(index, 0));
}

TEST_CASE("ring descriptors that are missing or superfluous are refused", "[vsock][hostile]") {
  Vm vm;
  check_refused(vm, Request::set_vring_call, packed(std::uint64_t{0}));
  check_refused(vm, Request::set_vring_kick, packed(std::uint64_t{0}));
  check_refused(vm, Request::set_vring_kick, packed(std::uint64_t{0x100}));  // polling
  check_refused(vm, Request::set_vring_kick, packed(std::uint64_t{0x101}), {vm.ram.file()});
  check_refused(vm, Request::set_vring_call, packed(std::uint64_t{7}), {vm.ram.file()});
}

TEST_CASE("a memory table that does not fit its files is refused, and the old one stays",
          "[vsock][hostile]") {
  Vm vm;
  const auto table = [](std::uint64_t guest, std::uint64_t size, std::uint64_t user, std::uint64_t offset) {
    return packed(std::uint32_t{1}, std::uint32_t{0}, guest, size, user, offset);
  };
  const auto refused = [&](const std::string& payload, const std::vector<int>& files) {
    CHECK(vm.ask(Request::set_mem_table, payload, files, true) == packed(std::uint64_t{1}));
    CHECK(vm.is_sane());
  };
  const int file = vm.ram.file();
  refused(table(0, (16 << 20) + 1, 0, 0), {file});
  refused(table(0, 4096, 0, 16 << 20), {file});
  refused(table(0, 4096, 0, ~0ULL - 4), {file});
  refused(table(~0ULL - 4, 4096, 0, 0), {file});
  refused(table(0, 4096, ~0ULL - 4, 0), {file});
  refused(table(0, 0, 0, 0), {file});
  refused(table(0, 4096, 0, 0), {});
  refused(table(0, 4096, 0, 0), {file, file});
  refused(packed(std::uint32_t{9}, std::uint32_t{0}), {});
  refused(packed(std::uint32_t{2}, std::uint32_t{0}), {});
}

TEST_CASE("payloads that are too short are refused", "[vsock][hostile]") {
  Vm vm;
  const auto request = static_cast<Request>(GENERATE(2, 5, 8, 9, 10, 12, 13, 18));
  check_refused(vm, request, "abc");
}

TEST_CASE("a configuration range outside of the configuration gets an empty answer", "[vsock][hostile]") {
  Vm vm;
  CHECK(vm.ask(Request::get_config, packed(4U, 8U, 0U)).empty());
  CHECK(vm.ask(Request::get_config, packed(0xffffffffU, 8U, 0U)).empty());
  CHECK(vm.ask(Request::get_config, packed(0U, 8U, 0U)) == packed(0U, 8U, 0U, guest_cid));
}

TEST_CASE("an unknown request is refused where an answer is asked for, and ignored otherwise",
          "[vsock][hostile]") {
  Vm vm;
  check_refused(vm, static_cast<Request>(999), "");
  vm.send_message(static_cast<Request>(999), "");
  CHECK(vm.is_sane());
}

TEST_CASE("a message larger than any ends the device", "[vsock][hostile]") {
  Vm vm;
  vm.send_raw(packed(1U, 1U, 0x10000U));
  check_ends(vm);
}

TEST_CASE("a message of another protocol version ends the device", "[vsock][hostile]") {
  Vm vm;
  vm.send_raw(packed(1U, 2U, 0U));
  check_ends(vm);
}

TEST_CASE("more descriptors than a message may have end the device, and none leaks", "[vsock][hostile]") {
  Vm vm;
  const auto before = open_descriptors();
  vm.send_message(Request::set_mem_table, "", std::vector<int>(20, vm.ram.file()));
  check_ends(vm);
  CHECK(open_descriptors() <= before);
}

TEST_CASE("an end in the middle of a message is told apart from a good end", "[vsock][hostile]") {
  Vm vm;
  vm.send_raw(packed(1U, 1U));
  vm.settle();
  vm.hang_up();
  check_ends(vm);
}

TEST_CASE("a message may arrive byte by byte", "[vsock]") {
  FrontEnd vm;
  for (const char byte : packed(2U, 9U, 8U, std::uint64_t{0})) {
    vm.send_raw(std::string(1, byte));
    vm.turn();
  }
  CHECK(vm.ask(Request::get_queue_num) ==
        packed(std::uint64_t{0}));  // the acknowledgement of the first message
}

TEST_CASE("rings that are set up before there is memory do not run", "[vsock][hostile]") {
  FrontEnd vm;
  vm.set_ring(0, vm.rx, 0);
  vm.set_ring(1, vm.tx, 0);
  vm.settle();
  CHECK_FALSE(vm.device->is_driver_up());
  CHECK_FALSE(vm.has_ended);
}

}  // namespace kestrel::hostd::vsock::test
