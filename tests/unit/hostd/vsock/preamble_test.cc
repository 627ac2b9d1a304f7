// A host descriptor that is joined after an exchange with the guest.
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/unit/hostd/vsock/front_end.h"

namespace kestrel::hostd::vsock::test {

namespace {

/// Joins behind the first empty line, as after an HTTP answer, if it begins with "yes".
PreambleStep judge(std::string_view received) {
  const auto end = received.find("\n\n");
  if (end == std::string_view::npos) return {};
  if (!received.starts_with("yes")) return {PreambleStep::Verdict::refuse, 0, "the guest said no"};
  return {PreambleStep::Verdict::join, end + 2, {}};
}

/// A connection with a preamble, at the point where the guest has accepted and got the question.
struct Asked {
  Vm vm;
  sys::UniqueFd host;
  ConnectionId id;
  std::optional<Result<void>> outcome;
  Packet question;

  Asked() {
    auto [ours, theirs] = socket_pair();
    host = std::move(ours);
    vm.device->connect(80, std::move(theirs), {"may I?\n\n", judge},
                       [this](Result<void> done) { outcome = std::move(done); });
    id = {vm.expect().header.source_port, 80};
    vm.send(Vm::header(Operation::response, id));
    question = vm.expect();
  }
  void answer(std::string_view text) {
    vm.send(Vm::header(Operation::data, id, static_cast<std::uint32_t>(text.size())), text);
    vm.settle();
  }
};

}  // namespace

TEST_CASE("the guest gets the preamble, and the host's bytes only after its answer", "[vsock]") {
  Asked asked;
  write_host(asked.host, "too early");
  CHECK(asked.question.payload == "may I?\n\n");
  CHECK(asked.vm.stays_silent());
  CHECK_FALSE(asked.outcome);
  asked.answer("yes\n\n");
  REQUIRE(asked.outcome);
  CHECK(asked.outcome->has_value());
  CHECK(asked.vm.expect().payload == "too early");
}

TEST_CASE("an answer may come in pieces, and what follows it goes to the host", "[vsock]") {
  Asked asked;
  asked.answer("yes\n");
  CHECK_FALSE(asked.outcome);
  asked.answer("\nand the first bytes");
  CHECK(asked.outcome);
  asked.answer(", and more");
  CHECK(read_host(asked.host).data == "and the first bytes, and more");
  CHECK(asked.vm.device->stats().buffered_bytes == 0);
}

TEST_CASE("a lot may follow the answer in the same packet", "[vsock]") {
  Asked asked;
  asked.answer("yes\n\n" + std::string(60000, 'x'));
  REQUIRE(asked.outcome);
  CHECK(asked.outcome->has_value());
  CHECK(read_host(asked.host).data.size() == 60000);
}

TEST_CASE("a refusal tells its reason, closes the host's end and resets the guest's", "[vsock]") {
  Asked asked;
  asked.answer("no\n\n");
  REQUIRE(asked.outcome);
  CHECK(asked.outcome->error().message == "the guest said no");
  CHECK(read_host(asked.host).is_end);
  CHECK(asked.vm.expect().header.operation == Operation::reset);
  CHECK(asked.vm.is_sane());
}

TEST_CASE("an answer without an end is refused", "[vsock]") {
  Asked asked;
  asked.answer(std::string(16 * 1024 - 1, 'y'));
  CHECK_FALSE(asked.outcome);
  asked.answer("y");
  REQUIRE(asked.outcome);
  CHECK_FALSE(asked.outcome->has_value());
  CHECK(read_host(asked.host).is_end);
}

TEST_CASE("a guest that closes instead of answering is a failure", "[vsock]") {
  Asked asked;
  const auto end = GENERATE(Operation::reset, Operation::shutdown);
  PacketHeader header = Vm::header(end, asked.id);
  header.flags = GENERATE(2U, 3U);
  asked.vm.send(header);
  asked.vm.settle();
  REQUIRE(asked.outcome);
  CHECK(asked.outcome->error().code == ECONNRESET);
  CHECK(read_host(asked.host).is_end);
}

TEST_CASE("a guest that reboots instead of answering is a failure", "[vsock]") {
  Asked asked;
  asked.vm.reboot();
  asked.vm.settle();
  REQUIRE(asked.outcome);
  CHECK_FALSE(asked.outcome->has_value());
  CHECK(read_host(asked.host).is_end);
}

TEST_CASE("a preamble that expects no answer joins when it is accepted", "[vsock]") {
  Vm vm;
  auto [ours, theirs] = socket_pair();
  bool is_joined = false;
  write_host(ours, "body");
  vm.device->connect(80, std::move(theirs), {"head ", {}},
                     [&](const Result<void>& done) { is_joined = done.has_value(); });
  vm.send(Vm::header(Operation::response, {vm.expect().header.source_port, 80}));
  std::string received;
  CHECK(vm.run_until([&] {
    while (const auto packet = vm.receive()) received += packet->payload;
    return received == "head body";
  }));
  CHECK(is_joined);
}

}  // namespace kestrel::hostd::vsock::test
